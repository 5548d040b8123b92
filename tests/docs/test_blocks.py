"""README and docs say only what works: the commands in them exist, and their blocks run.

A fenced ``bash`` or ``python`` block is run at smoke size. One page's blocks run in order in one empty
folder, in which ``recipes`` is the repository's; this interpreter's commands stand first on the path. Above a
block:

    <!-- file: NAME -->       the block is written to that file of the folder (a recipe, a manifest)
    <!-- slow -->             it runs under ``make test-slow`` alone
    <!-- not run: WHY -->     it is not run; pytest lists it with the reason

A bash block is run only if all its commands are quick and need nothing that the page does not bring:
``bimedix2 ROOM RECIPE`` with a recipe that the page writes, ``bimedix2 --help`` and ``--version``, and plain
commands such as ``ls``. Of the others it is checked that they exist: ``make`` targets, rooms and their
recipes (validated with their overrides), verbs and their options, scripts. A command that is none of these
fails the test until its block says why it is not run.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bimedix2 import config
from bimedix2.cli import ROOMS, app

ROOT = Path(__file__).parents[2]
COMMENT = re.compile(r"\s*<!--\s*(file|slow|not run)\s*(?::\s*(.*?))?\s*-->\s*")
FENCE = re.compile(r" *(`{3,})\s*([\w+-]*).*")
PLAIN = {"ls", "cat", "head", "tail", "mkdir", "cp", "echo", "find", "wc", "test"}
ELSEWHERE = {"curl", "git", "pip", "docker", "cd", "export", "source", "open", "xdg-open"}
"""Commands that are neither run nor checked."""
SECONDS = 120


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, its language, its text, and the comment above it."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> list[list[str]]:
        """Return the words of every command of a bash block, without redirections and assignments."""
        found: list[list[str]] = []
        for line in self.text.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
            lexer.whitespace_split, lexer.commenters = True, "#"
            words: list[str] = []
            into_file = False
            for word in lexer:
                if into_file or set(word) <= set("<>"):
                    into_file = not into_file
                elif set(word) <= set("|&;"):
                    found.append(words)
                    words = []
                elif words or not re.fullmatch(r"[A-Z_]+=.*", word):
                    words.append(word)
            found.append(words)
        return [words for words in found if words]


def blocks_of(name: str, markdown: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, and indented lines that start like a command."""
    mark = why = fence = language = ""
    start, text = 0, []
    for number, line in enumerate(markdown.splitlines(), 1):
        opened = FENCE.fullmatch(line)
        if fence:
            if line.strip() == fence:
                yield Block(name, start, language, "\n".join(text) + "\n", mark, why)
                mark = why = fence = ""
            else:
                text.append(line)
        elif opened:
            fence, language, start, text = opened[1], opened[2], number, []
        elif comment := COMMENT.fullmatch(line):
            mark, why = comment[1], comment[2] or ""
        elif re.match(r" {4}(make|bimedix2) ", line):
            yield Block(name, number, "bash", line.strip() + "\n", "checked")
        elif line.strip():
            mark = why = ""


PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
BLOCKS = [block for name, text in PAGES.items() for block in blocks_of(name, text)]


def check_bimedix2(words: list[str], folder: Path) -> bool:
    """Check ``bimedix2 ...``; tell whether it is quick and needs nothing that the page does not bring."""
    commands: Any = get_command(app).commands  # type: ignore[attr-defined]
    if not words or words[0].startswith("-"):
        assert words in (["--help"], ["--version"]), f"bimedix2 {words} is no command"
        return True
    name, rest = words[0], words[1:]
    assert name in commands, f"bimedix2 has no command '{name}'"
    context = type(commands[name].make_context(name, [], resilient_parsing=True))(commands[name])
    commands[name].make_parser(context).parse_args(list(rest))
    if rest == ["--help"]:
        return True
    recipe = next((word for word in rest if word.endswith(".yaml")), None)
    if recipe is None:
        return False
    own = (folder / recipe).is_file() and not recipe.startswith("recipes/")
    path = folder / recipe if own else ROOT / recipe
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    config.load(importlib.import_module(f"bimedix2.{name}").Config, path, overrides)
    return own and name in ROOMS


def check(words: list[str], folder: Path) -> bool:
    """Check one command of a bash block; tell whether it may be run here."""
    program = words[0].removeprefix(".venv/bin/").removeprefix("./")
    if program == "bimedix2":
        return check_bimedix2(words[1:], folder)
    if program == "make":
        asked = {word for word in words[1:] if "=" not in word and not word.startswith("-")}
        known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert asked <= set(known), f"the Makefile has no target {asked - set(known)}"
        return False
    if program in {"python", "python3", "pytest"}:
        # What stands below runs/ is made by earlier commands of the page, not brought by the repository.
        scripts = [word for word in words[1:] if "/" in word and "=" not in word and word[:5] != "runs/"]
        assert all((ROOT / script.split("::")[0]).exists() for script in scripts), f"{scripts} do not exist"
        return False
    if "/" in program and (ROOT / program).is_file():
        assert os.access(ROOT / program, os.X_OK), f"{program} cannot be executed"
        return False
    assert program in PLAIN | ELSEWHERE, (
        f"'{program}' is not known to this test; write <!-- not run: WHY --> above the block"
    )
    return program in PLAIN


def run(block: Block, folder: Path) -> None:
    """Write or run one block in the page's folder."""
    if block.mark == "file":
        path = folder / block.why
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return
    quick = block.language == "bash" and {check(words, folder) for words in block.commands()} == {True}
    if block.language == "python":
        command = [sys.executable, "-W", "error", "-c", block.text]
    elif quick:
        command = ["bash", "-euo", "pipefail", "-c", block.text]
    else:
        return
    path_variable = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path_variable, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block}:\n{block.text}\n{done.stdout}\n{done.stderr}"


def run_page(page: str, folder: Path, marks: set[str]) -> None:
    """Run a page's blocks in order, those of other marks left out."""
    (folder / "recipes").symlink_to(ROOT / "recipes")
    for block in BLOCKS:
        if block.page == page and block.mark in marks:
            run(block, folder)


@pytest.mark.parametrize("page", dict.fromkeys(block.page for block in BLOCKS))
def test_the_blocks_of_a_page_run_in_order(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, {"", "file"})


@pytest.mark.slow
@pytest.mark.parametrize("page", dict.fromkeys(block.page for block in BLOCKS if block.mark == "slow"))
def test_the_slow_blocks_of_a_page_run_too(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, {"", "file", "slow"})


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_commands_exist_and_what_is_not_run_says_why(block: Block, tmp_path: Path) -> None:
    assert block.why or block.mark not in {"file", "not run"}, f"{block}: the comment above it says nothing"
    if block.mark == "not run":
        pytest.skip(f"not run: {block.why}")
    if block.language == "bash" and block.mark in {"slow", "checked"}:
        for words in block.commands():
            check(words, tmp_path)


LINKS = [(name, link) for name, text in PAGES.items() for link in re.findall(r"\]\(([^)#\s]+)", text)]


@pytest.mark.parametrize(("page", "link"), dict.fromkeys(LINKS))
def test_a_link_to_a_file_leads_to_one(page: str, link: str) -> None:
    if not re.match(r"[a-z]+:", link):
        assert ((ROOT / page).parent / link).exists(), f"{page} links to {link}, which does not exist"


BENCHMARKS = [
    (name, command)
    for name, text in PAGES.items()
    for command in re.findall(r"(?:^|`)python (benchmarks/[^`\n]+)", text, flags=re.MULTILINE)
]
"""In tables and sentences too, where they stand beside the figure that they print."""


@pytest.mark.parametrize(("page", "command"), dict.fromkeys(BENCHMARKS))
def test_a_benchmark_that_a_figure_names_takes_what_it_is_given(page: str, command: str) -> None:
    script, *words = shlex.split(command, comments=True)
    assert (ROOT / script).is_file(), f"{page}: {script} does not exist"
    text = (ROOT / script).read_text(encoding="utf-8")
    for word in words:
        option = re.match(r"--[\w-]+|\w+(?==)", word)
        known = option is None or re.search(rf'"{option[0]}(?:"|=)', text)
        assert known, f"{page}: {script} takes no {word}"


def test_a_block_is_read_with_its_comment_and_its_commands() -> None:
    page = (
        "<!-- not run: a server -->\n```bash\nA=1 make x | cat > f  # words\nls \\\n  -l; "
        "bimedix2 ask 'a b'\n```\n\n<!-- slow -->\nwords between\n```python\nprint()\n```\n    make test\n"
    )
    first, second, third = blocks_of("p", page)
    assert (first.mark, first.why, first.line) == ("not run", "a server", 2)
    assert first.commands() == [["make", "x"], ["cat"], ["ls", "-l"], ["bimedix2", "ask", "a b"]]
    assert (second.language, second.mark) == ("python", "")
    assert third.commands() == [["make", "test"]]


@pytest.mark.parametrize(
    "text",
    [
        "make no-such-target",
        "bimedix2 no-such-verb",
        "bimedix2 sources recipes/sources/none.yaml",
        "bimedix2 sources recipes/sources/nano.yaml part=1",
        "bimedix2 ask hello --no-such-option",
        "python benchmarks/none.py",
        "frobnicate",
    ],
)
def test_a_command_that_does_not_exist_fails(text: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no|not|exist"):
        check(text.split(), tmp_path)
