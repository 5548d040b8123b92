"""The command line as a user meets it."""

import subprocess
import sys


def bimedix2(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bimedix2", *args], capture_output=True, text=True, check=False
    )


def test_help_imports_no_torch() -> None:
    code = (
        "import sys; sys.argv=['bimedix2','--help']\n"
        "from bimedix2.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy={'torch','transformers','pydicom','fastapi'} & set(sys.modules); print('HEAVY', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sources" in done.stdout
    assert "HEAVY []" in done.stdout


def test_a_users_error_is_one_line_and_exit_code_2() -> None:
    done = bimedix2("sources", "no/such.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("error: recipe no/such.yaml does not exist")
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_exits_with_2() -> None:
    assert bimedix2("surces").returncode == 2
