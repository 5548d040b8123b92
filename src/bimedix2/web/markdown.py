"""Markdown to HTML that is safe to put into a page: rendered by markdown-it-py, sanitised by nh3.

Every block carries its own ``dir``, and runs of the other direction are isolated in ``<bdi>``. No raw HTML,
no links and no images: an answer cannot make a page ask another host for anything.
"""

from functools import cache
from typing import TYPE_CHECKING

from bimedix2.errors import MissingExtra
from bimedix2.web.direction import Direction, direction, isolated_runs

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "bdi", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
"""The only elements that reach a page."""


@cache
def _parser() -> "MarkdownIt":
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise MissingExtra("markdown-it-py", "serve") from error
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable(["table", "strikethrough"]).disable(["link", "image", "autolink", "reference"])


def render(text: str) -> str:
    """Return sanitised HTML of a markdown answer, direction set block by block."""
    try:
        import nh3
    except ImportError as error:
        raise MissingExtra("nh3", "serve") from error
    parser = _parser()
    tokens = parser.parse(text)
    _set_directions(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return nh3.clean(
        html, tags=TAGS, attributes={"*": {"dir"}, "ol": {"start"}}, link_rel=None, url_schemes=set()
    )


def _set_directions(tokens: "list[Token]") -> None:
    """Give every block that opens the direction of the words inside it; code runs left to right."""
    for number, token in enumerate(tokens):
        if token.type in ("fence", "code_block"):
            token.attrSet("dir", "ltr")
        elif token.nesting == 1:
            token.attrSet("dir", direction(_words(tokens, number)))
        elif token.type == "inline":
            _isolate(token, direction(token.content))


def _words(tokens: "list[Token]", opening: int) -> str:
    """The text between a block's opening token and its closing one."""
    words: list[str] = []
    depth = 0
    for token in tokens[opening:]:
        depth += token.nesting
        if token.type == "inline":
            words.append(token.content)
        if depth == 0:
            break
    return " ".join(words)


def _isolate(inline: "Token", base: Direction) -> None:
    """Replace text tokens by text and ``<bdi>`` around the runs of the other direction."""
    from markdown_it.token import Token

    children: list[Token] = []
    for child in inline.children or []:
        if child.type != "text":
            if child.type == "code_inline":
                child.attrSet("dir", direction(child.content))
            children.append(child)
            continue
        for piece, way in isolated_runs(child.content, base):
            text = Token("text", "", 0, content=piece)
            if way is None:
                children.append(text)
                continue
            opened = Token("html_inline", "", 0, content=f'<bdi dir="{way}">')
            children += [opened, text, Token("html_inline", "", 0, content="</bdi>")]
    inline.children = children
