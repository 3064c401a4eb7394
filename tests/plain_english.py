"""The prose of Rollcall as pieces with their file and line, and the phrases that plain English does without."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("app.py", "cli", "web", "sync", "connectors", "demo", "bench", "docs", "tests")
PAPERS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md", "Makefile", ".ci/run", "docs", "bench")
GAP = "…"  # takes the place of a value, so that a phrase before it and one after it don't become one


@dataclass(frozen=True)
class Phrase:
    """`pattern`, in which a blank is any white space, should be `better`, unless `unless` is found around it."""

    pattern: str
    better: str
    unless: str = ""

    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern.replace(" ", r"\s"), re.IGNORECASE)


VERB = (
    r"\b(?:is|are|was|were|has|have|had|can|can't|may|isn't|doesn't|no longer|left|gives?|gave|says?|said|tells?|needs?"
    r"|holds?|held|belongs?|differs?|waits?|stood|stands?|comes?|came|goes|went|stays?|signs?|knows?|[a-z]{3,}ed)\b"
)
SAME_CLAUSE = (
    r"(?: (?!(?:and|or|when|while|since|after|before|until|that|which|who|whose|if|how|whether|as|where|because|so"
    r"|for|but|from|than)\b)[a-z'’-]+){0,7}? "
)
TWO_VERBS = SAME_CLAUSE.replace("}? ", "}? ?") + VERB + SAME_CLAUSE + (
    r"(?:is|are|was|were|has|isn't|aren't|can't|doesn't|stays?|remains?|waits?|counts?|keeps?|gets?|needs?|must|will|loses?"
    r"|leaves?|comes?|goes|never)\b(?!\?)"
)
SUBJECT = r"(?:\A|[.;:!?] )"  # where a sentence begins, or a part of one that could stand alone
MONEY = r"seat: |cost|price|paid|pays?\b|money|month|licen[cs]e|bill|saved?\b|saves\b|saving|free|\Aseats?\Z|seat TEXT"

PHRASES = (
    Phrase(r"\bby (itself|themselves)\b", "automatically"),
    Phrase(r"\b(tak(e|es|en|ing)|took) over\b", "apply or import", r"\b(an|the|whose|an owner's|other) account"),
    Phrase(r"\b(a|your|whose|'s|’s|his|her|the|an owner's) yes\b|\byeses\b|\b(say|says|said|saying) yes\b",
           "approval or approve"),
    Phrase(r"\bany more\b(?! (than|of|[a-z]{3,}s)\b)", "no longer"),
    Phrase(r"\banew\b", "again"),
    Phrase(r"\bmend(s|ed|ing)?\b", "fix"),
    Phrase(r"\ball the same\b(?! \w)", "still"),
    Phrase(r"(?<!\b(by|to) )(?<!\b(for) )(?<!\b(from|with) )\bwhom(ever)?\b", "someone who, or the person who"),
    Phrase(r"\bwho(so)?ever\b", "anyone who, or the person who"),
    Phrase(SUBJECT + r"who" + TWO_VERBS, "someone who …, or people who …"),
    Phrase(SUBJECT + r"what(ever)?" + TWO_VERBS, "the thing that …, named"),
    Phrase(r"\btold\b", "reported, shown or notified", r"\Atold( by migrations)?\Z"),
    Phrase(r"\bsaid\b", "reported, shown or decided",
           r"\Asaid\Z|said that the clock|someone said whose|to have said each"),
    Phrase(r"\b(doesn.t|does not|did not|didn.t) tell\b|\btells (neither|no|it|both|when|who|which|what|whether|how)\b",
           "report, show or return"),
    Phrase(r"\btell(s|ing)? \w+ apart\b", "distinguish"),
    Phrase(r"\bmeanwhile\b", "in the meantime, until then, or while …"),
    Phrase(r"\b(go|goes|went) away\b", "disappear, or is removed"),
    Phrase(r"\b(takes?|took) the (call|change)\b", "accept"),
    Phrase(r"\bforg[eo]t(s|ten)?\b", "delete, clear or overlook",
           r"password|signin/|\Aforgotten\Z|no template can|account_forgotten|unused keys|forgotten\.update"),
    Phrase(r"\bstands?\b(?! (for|in for|alone|up|out)\b)|\bstood\b", "is", r"how (an app|it) stands"),
    Phrase(r"\banswers for (it|this|the|a|an|what)\b", "is responsible for",
           r"\b(what|reference) \w+ answers|A directory knows who"),
    Phrase(r"\b(that|which) (is|are) (?-i:none)\b", "isn't one"),
    Phrase(r"\b(above|unless|than|below) who\b", "… the person who"),
    Phrase(r"\b(the|first|last) yes\b", "approval"),
    Phrase(r"\bonce only\b", "only once"),
    Phrase(r"\b(taken|takes|taking|took) up\b(?! to)", "load, restore or continue"),
    Phrase(r"\bin vain\b", "without success", r"searched in vain"),
    Phrase(r"\bhand(s|ed)? (it|a file|the file|a list|the list) over\b|\bhand over the (file|list)\b"
           r"|\b(file|list)s? (that )?(is|are|was|were) handed over\b", "upload", r"nobody|in the app can"),
    Phrase(r"\bgoing on\b", "continuing"),
    Phrase(r"\bnobody (that|knows of)\b", "nobody who"),
    Phrase(r"\bit (can't|couldn't|can not|cannot) be (read|known|seen) (who|what|whether|which)\b", "Rollcall can't …"),
    Phrase(r"\bgoes\b(?! (to|into|through|from|over|back|wrong|out|up|down|in|along|by|via|straight|round|past|one|on"
           r"|where|here|there|first|last|beyond|against|under|ahead|without) ?)", "leaves, or is removed"),
    Phrase(r"\b(go|goes|went) on\b(?! without)", "continue, or keep"),
    Phrase(r"(?<!\bthere )\b(is|are|was|were) no (?!longer|more|less|different|better|one|other|such|doubt)[a-z]+",
           "isn't a …"),
    Phrase(r"\b(is|are) nothing that\b", "isn't a …"),
    Phrase(r"\bof theirs\b", "their"),
    Phrase(r"\bsomebody\b", "someone"),
    Phrase(r"\beverybody\b", "everyone"),
    Phrase(r"\bseats?\b(?!-based| types?\b)", "account, unless money is meant", MONEY),
    Phrase(r"\b(an|the|each|every|one|this|its|of|other|two|same|its own|bulk|first|next|that) acts?\b(?! (as|on|in"
           r"|with|for|by|like)\b)|\bacts\b(?=[.,;:)])", "task or operation", r"\b(it|he|she|who|which|that|one) acts"),
    Phrase(r"\b(is|are|was|were|has|have|had|been|can)\b[^.;:,?!…“”\n]{0,40} already(?=[.,:;!)]|\Z)",
           "already before the verb"),
    Phrase(r"\baccesses\b", "asset roles, or access", r"\Aaccesses\Z"),
    Phrase(r"\blook(s|ed|ing)? after\b", "manage"),
    Phrase(r"\bput(s|ting)? (it |them |this )?aside\b", "discard"),
    Phrase(r"\bput(s|ting)? (\w+ )?right\b", "fix"),
    Phrase(r"\bso already\b", "already set"),
    Phrase(r"\b(is|are|be|was|were) asked about\b", "reported for approval"),
    Phrase(r"\blet(s|ting)? go\b", "removed, or released"),
    Phrase(r"\b(is|are|be|was|were|isn't|aren't|not|never) believed\b", "accepted, or trusted"),
    Phrase(r"\bspeaks? of\b|\bspoken of\b", "name, or list"),
    Phrase(r"\b(stands?|stood) (in(?! for)|on|there|beside|at|below|above|behind)\b", "is"),
    Phrase(r"\bstays? as (it|they) (is|are|was|were)\b", "is unchanged"),
    Phrase(r"\b(is|are|was|were) to be\b", "should be, or must be"),
    Phrase(r"\b(is|are|was|were|be) concerned\b", "affected"),
    Phrase(r"\bof before\b", "earlier"),
    Phrase(r"\bnothing of\b(?! that”)", "none of"),
    Phrase(r"\ba mail\b(?! ?(server|address|provider|program|domain|client|host|box|queue|system))", "an e-mail"),
    Phrase(r"\b(the|these|all|such|other|two|no|waiting|its|their|some|many|and|of) mails\b", "e-mails"),
    Phrase(r"\blets? (nobody|no [a-z]+)\b", "doesn't let anyone …"),
    Phrase(r"\b(is|are) by now\b", "is now"),
    Phrase(r"\banother [a-z -]{1,30} than\b", "a different …"),
    Phrase(r"\b(thrice|lest|whence|thence|thereof|therein|wherein|herein|hitherto|naught|nought|upon)\b",
           "a word in everyday use"),
    Phrase(r";\s[a-z][^.;?!{}=<>|…_]*;\s[a-z][^.;?!{}=<>|…_]*", "sentences, or a list"),
)  # fmt: skip
PATTERNS = [(phrase.regex(), phrase) for phrase in PHRASES]
TEXT_OR_COMMENT = re.compile(
    r"""(?s)(?P<triple>\"{3}|'{3})(?:[^\\]|\\.)*?(?P=triple)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?P<comment>\#[^\n]*)"""
)
NAME = Phrase(r"^[ \t]*(?:async )?def _?(test_)?(what|who|whom|whose)(ever)?_(?!(am|is)_i\b)\w+",
              "a subject and a verb: test_a_person_who_has_left_is_reported")  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A text that begins in line `line` of the file `path`, white space between two words made one character."""

    path: Path
    line: int
    text: str


@dataclass(frozen=True)
class Hit:
    path: str
    line: int
    found: str
    better: str

    @property
    def room(self) -> str:
        return self.path.split("/")[0]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: “{' '.join(self.found.split())}” → {self.better}"


def hits(only: str = "") -> list[Hit]:
    """Every phrase found in the files whose path begins with `only`, by file and line."""
    found = set()
    for piece in pieces():
        path = str(piece.path.relative_to(ROOT))
        if path.startswith(only):
            for start, words, better in phrases_in(piece.text):
                found.add(Hit(path, piece.line + piece.text.count("\n", 0, start), words, better))
    for path in files(CODE, {".py"}):
        if str(path.relative_to(ROOT)).startswith(only):
            found.update(names_in(path))
    return sorted(found, key=lambda hit: (hit.path, hit.line, hit.found))


@cache
def phrases_in(text: str) -> list[tuple[int, str, str]]:
    """Of each phrase in the text: where it begins, its words, and what is better."""
    return [
        (match.start(), match.group(), phrase.better)
        for regex, phrase in PATTERNS for match in regex.finditer(text) if not excused(phrase, match)
    ]  # fmt: skip


def names_in(path: Path) -> Iterator[Hit]:
    """The functions, most of them tests, whose name is a clause without a subject, such as test_who_left."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if unclear_name(line):
            yield Hit(str(path.relative_to(ROOT)), number, line.strip().partition("(")[0], NAME.better)


def unclear_name(line: str) -> bool:
    return bool(NAME.regex().match(line))


def excused(phrase: Phrase, match: re.Match[str]) -> bool:
    around = match.string[max(0, match.start() - 60) : match.end() + 60]
    return bool(phrase.unless and re.search(phrase.unless, around, re.IGNORECASE))


def pieces() -> Iterator[Piece]:
    """All of the prose but CONTRIBUTING.md's table of words, which has to name them."""
    for path in files(CODE, {".py"}):
        yield from of_code(path)
    for path in files(("templates", "demo"), {".html", ".txt"}):
        yield from of_template(path)
    for path in files(PAPERS, {".md", ".yaml", ".service", ""}):
        text = path.read_text(encoding="utf-8")
        yield from paragraphs(path, re.sub(r"(?m)^\|.*", "", text) if path.name == "CONTRIBUTING.md" else text)
    for path in sorted(ROOT.glob("requirements*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield Piece(path, number, even(line.partition("#")[2]))


def files(rooms: tuple[str, ...], suffixes: set[str]) -> list[Path]:
    return sorted(
        path for room in rooms for path in [ROOT / room, *(ROOT / room).rglob("*")]
        if path.suffix in suffixes and path.is_file()
    )  # fmt: skip


def of_code(path: Path) -> Iterator[Piece]:
    """Comments and docstrings; outside the tests, whose data is often quoted, every text too."""
    source = path.read_text(encoding="utf-8")
    yield from comments(path, source)
    module = ast.parse(source)
    if "tests" in path.parts:
        texts = [node.body[0].value for node in statements(module) if has_docstring(node)]
    else:
        nodes = list(ast.walk(module))
        parts = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        texts = [node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr) and node not in parts]
    for node in texts:
        text = literal(node)
        if text and not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|WHERE|JOIN|EXISTS)\b|-src ", text):
            yield Piece(path, node.lineno, even(text))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """The node and the statements in it, without their expressions: a fifth of what there is to walk through."""
    yield node
    for blocks in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, blocks, ()):
            yield from statements(inner)


def has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def literal(node: ast.AST) -> str:
    """The text of a literal; in an f-string, a value is a gap."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) if isinstance(part, ast.Constant) else GAP for part in node.values)
    return ""


def comments(path: Path, source: str) -> Iterator[Piece]:
    """Each block of comments as one piece. A comment behind code is a block of its own or begins one."""
    block: list[str] = []
    first = line = place = 0
    for found in TEXT_OR_COMMENT.finditer(source):
        if found["comment"] is None:
            continue
        line, place = line + source.count("\n", place, found.start()), found.start()
        before = source[source.rfind("\n", 0, place) + 1 : place]
        if block and (line != first + len(block) or before.partition("#")[0].strip()):
            yield together(path, first + 1, block)
            block = []
        if not block:
            first = line
        block.append(found["comment"])
    if block:
        yield together(path, first + 1, block)


def together(path: Path, line: int, block: list[str]) -> Piece:
    return Piece(path, line, even("\n".join(comment.lstrip("# ") for comment in block)))


def of_template(path: Path) -> Iterator[Piece]:
    """What a reader sees, titles and labels included, and the texts inside of expressions."""
    text = re.sub(r"(?s)<style>.*?</style>", "", path.read_text(encoding="utf-8"))
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", lambda code: texts_of(code.group()), text, flags=re.DOTALL)
    inline = r"</?(b|i|em|strong|a|code|span|kbd|small|time)\b[^<>]*>"
    text = re.sub(inline, lambda tag: labels_of(tag.group(), ""), text)
    text = re.sub(r"<[^<>]*>", lambda tag: labels_of(tag.group(), GAP), text)
    yield Piece(path, 1, even(text))


def texts_of(code: str) -> str:
    """The literals of an expression, on the lines where they are."""
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([^\"']+)", code)
    return GAP + "".join(double or single or GAP + "\n" * other.count("\n") for double, single, other in parts) + GAP


def labels_of(tag: str, gap: str) -> str:
    labels = re.findall(r"\b(?:title|aria-label|placeholder|alt|data-confirm)=\"([^\"]*)\"", tag)
    return gap + "".join(f"{label}{gap}" for label in labels) + "\n" * (tag.count("\n") - "".join(labels).count("\n"))


def paragraphs(path: Path, text: str) -> Iterator[Piece]:
    line = 1
    for part in re.split(r"(\n\s*\n)", text):
        if part.strip():
            yield Piece(path, line, even(re.sub(r"(?m)^[#>*\- ]+|[*]", "", part)))
        line += part.count("\n")


def even(text: str) -> str:
    """`text` with one character between two words and without names of code; its lines stay as many."""
    text = re.sub(r"`[^`\n]*`", GAP, text)
    return re.sub(r"[ \t]*\n[ \t]*", "\n", re.sub(r"[ \t]+", " ", text))


if __name__ == "__main__":
    listed = hits(*sys.argv[1:])
    print(*listed, sep="\n")
    print(dict(Counter(hit.room for hit in listed)))
