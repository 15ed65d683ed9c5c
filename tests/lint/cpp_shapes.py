"""Functions and classes of C++ sources that clang-format has formatted, so that the indentation shows to which block a
line belongs. Not a linter of its own: sizes.py uses it."""
import dataclasses
import re

# Lines that open a block which contains declarations.
SCOPE = re.compile(r"^(inline )?namespace\b|^(template <.*> )?(class|struct|union|enum)\b")
ACCESS = re.compile(r"^(public|protected|private):$")
NOT_COUNTED = re.compile(r"^(using|friend|typedef|template|static_assert|class|struct|enum|union)\b"
                         r"|= (delete|default);$|\boperator\b|~")


@dataclasses.dataclass
class Shape:
    """A function, or a class with its public functions."""
    line: int
    name: str
    count: int  # lines of a function; public functions of a class


@dataclasses.dataclass
class _Block:
    indent: int
    line: int
    is_scope: bool
    title: str
    is_public: bool = True
    public_functions: int = 0
    declaration: str = ""


def _public_function(block: _Block, declaration: str) -> bool:
    name = re.search(r"(\w+)\(", declaration)
    if not block.is_public or name is None or NOT_COUNTED.search(declaration):
        return False
    return name[1] not in block.title.split()  # a constructor


def shapes(text: str) -> tuple[list[Shape], list[Shape]]:
    """The functions and the classes of a source."""
    functions: list[Shape] = []
    classes: list[Shape] = []
    blocks: list[_Block] = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.strip()
        if not code or code.startswith(("//", "#")):
            continue
        indent = len(line) - len(line.lstrip())
        if code.startswith("}") and blocks and indent == blocks[-1].indent:
            block = blocks.pop()
            if not block.is_scope and "(" in block.title and (not blocks or blocks[-1].is_scope):
                functions.append(Shape(block.line, block.title, number - block.line + 1))
            elif block.title.startswith(("class", "struct")):
                classes.append(Shape(block.line, block.title, block.public_functions))
            if not code.endswith("{"):
                continue
        if blocks and blocks[-1].is_scope:
            _add_to_scope(blocks[-1], code)
        if code.endswith("{"):
            is_scope = bool(SCOPE.search(code))
            title = re.sub(r"^template <.*> ", "", code).rstrip(" {")
            is_public = not title.startswith("class")
            blocks.append(_Block(indent, number, is_scope, title, is_public))
    return functions, classes


def _add_to_scope(block: _Block, code: str) -> None:
    """Counts a declaration when its last line is reached."""
    if access := ACCESS.search(code):
        block.is_public = access[1] == "public"
        return
    block.declaration += " " + code
    if code.endswith((";", "{", "}")):
        block.public_functions += _public_function(block, block.declaration.strip())
        block.declaration = ""
