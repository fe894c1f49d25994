# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the package is, how it is built, and what one default call walks through.

Run it in the root of a checkout that the package is installed from ::

    python benchmarks/count_house.py [--root .]

Lines of code are those with anything but comments and docstrings. The call is
``segment_symmetry()`` on one frame; what is counted are the functions of the package
that its main thread calls, their files, and how often it goes from one room (a folder
of the package) to another.
"""

import argparse
import ast
import itertools
import re
import sys
from pathlib import Path

PACKAGE = "hyperspy_symseg"
# From the ground floor up; a room imports those of lower number only.
FLOORS = {
    "frames": 0,
    "lattice": 1,
    "descriptors": 1,
    "networks": 1,
    "templates": 2,
    "segmentation": 3,
    "analysis": 3,
    "simulate": 4,
    "data": 5,
    "signals": 4,
    "command_line": 5,
}
CONTEXT = ("num_workers", "progress", "mapped")
WORDS = ("part", "parts", "piece", "pieces", "square", "squares", "strip", "strips")
# What such a word is the name of: a Bravais lattice.
BY_NAME = {"simulate/lattice.py: square", "lattice/plane_groups.py: SQUARE"}
MOST_ARGUMENTS = 6
# Whose functions users call, by the names of their arguments. What is simulated is told
# one number at a time, too: each is a sentence of the documentation.
DOOR = re.compile(
    r"signals/(signal2d|symmetry_labels|measures|by_hand|symmetry|segment|scores|points)\.py"
    r"|simulate/(micrographs|movie|hrtem/(sheets|particles|recording))\.py"
)


def lines_of_code(path):
    """Numbers of the lines that hold code: set of int."""
    text = path.read_text()
    if path.suffix == ".py":
        lines = set()
        tree = ast.parse(text)
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = set()
        for node in ast.walk(tree):
            if isinstance(node, documented) and ast.get_docstring(node) is not None:
                first = node.body[0]
                docstrings.update(range(first.lineno, first.end_lineno + 1))
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.strip().startswith("#"):
                lines.add(number)
        return lines - docstrings
    # What Cython is given as C is code, though it stands between the same quotes.
    text = re.sub(
        r'(extern from \*:\s*)?""".*?"""',
        lambda found: found[0] if found[1] else "\n" * found[0].count("\n"),
        text,
        flags=re.S,
    )
    text = re.sub(
        r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.S
    )
    return {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    }


def statements(path):
    """Number of statements of a Python file, without docstrings: int."""
    return sum(
        isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in ast.walk(ast.parse(path.read_text()))
    )


def functions(path):
    """Functions of a file: iterator of ast.FunctionDef."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def arguments(function):
    """Names of the arguments of a function: list of str."""
    every = function.args
    names = [each.arg for each in (*every.posonlyargs, *every.args, *every.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def identifiers(path):
    """Names that a file gives to functions, classes, arguments and variables."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words_of(name):
    """Words of an identifier, in lower case."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().strip("_").split("_")


def room(path, package):
    """Folder of the package that a file is in; empty for its root."""
    parts = path.relative_to(package).parts
    return parts[0] if len(parts) > 1 else ""


def arrows_against(package):
    """Imports of a room on the same floor or above: list of str."""
    against = []
    for path in sorted(package.rglob("*.py")):
        own = room(path, package)
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level:
                continue
            names = (node.module or "").split(".")
            if names[0] != PACKAGE or len(names) < 2:
                continue
            other = names[1]
            both = own in FLOORS and other in FLOORS and own != other
            if both and FLOORS[other] >= FLOORS[own]:
                against.append(f"{own}/{path.name} -> {other}")
    return against


def walk_of_a_call(package):
    """Functions, files and room changes of one default call: (int, int, int)."""
    import hyperspy.api as hs

    from hyperspy_symseg import simulate

    hs.preferences.General.show_progressbar = False
    signal, _ = simulate.grain_boundary()
    signal.segment_symmetry()
    seen, rooms, root = set(), [], str(package) + "/"

    def watch(frame, event, _):
        if event == "call":
            code = frame.f_code
            if code.co_filename.startswith(root) and code.co_name[0] != "<":
                seen.add((code.co_filename, code.co_qualname))
                rooms.append(room(Path(code.co_filename), package))

    sys.setprofile(watch)
    try:
        signal.segment_symmetry()
    finally:
        sys.setprofile(None)
    changes = sum(a != b for a, b in itertools.pairwise(rooms))
    return len(seen), len({name for name, _ in seen}), changes


def patched_globals(tests):
    """Tests that replace a global of a module: list of str."""
    pattern = re.compile(
        r"""setattr\(\s*([a-z_.]+|["'][\w.]+["'])\s*,\s*["']?([A-Z_]{3,})"""
    )
    dotted = re.compile(r"""setattr\(\s*["'][\w.]+\.([A-Z_]{3,})["']""")
    found = []
    for path in sorted(tests.rglob("*.py")):
        text = path.read_text()
        found += [f"{path.name}: {each[1]}" for each in pattern.findall(text)]
        found += [f"{path.name}: {each}" for each in dotted.findall(text)]
    return found


def count(root, details):
    """Print all counts."""
    package, rows = root / PACKAGE, []
    files = sorted(package.rglob("*.py"))
    kernels = sorted((root / "cython_ext").glob("*"))
    n_lines = {path: len(lines_of_code(path)) for path in files}
    rows.append(("lines of code, package", sum(n_lines.values())))
    rows.append(
        ("lines of code, kernels", sum(len(lines_of_code(path)) for path in kernels))
    )
    rows.append(("statements, package", sum(map(statements, files))))
    rows.append(("files", len(files)))
    rows.append(("functions", sum(1 for path in files for _ in functions(path))))
    in_signals = [path for path in files if room(path, package) == "signals"]
    rows.append(("files in signals/", len(in_signals) - 1))
    longest = max(files, key=n_lines.get)
    rows.append((f"longest file, {longest.relative_to(package)}", n_lines[longest]))
    inside = [
        (f"{path.relative_to(package)}: {f.name}", arguments(f))
        for path in files
        if not DOOR.search(path.as_posix())
        for f in functions(path)
    ]
    for name in CONTEXT:
        having = [each for each, given in inside if name in given]
        rows.append((f"signatures with {name}, but for methods of users", len(having)))
    many = [each for each, given in inside if len(given) > MOST_ARGUMENTS]
    rows.append((f"functions of more than {MOST_ARGUMENTS} arguments", len(many)))
    patched = patched_globals(root / "tests")
    rows.append(("globals that tests replace", len(patched)))
    against = arrows_against(package)
    rows.append(("arrows against the direction", len(against)))
    named = sorted(
        {
            f"{path.relative_to(package)}: {name}"
            for path in files
            for name in identifiers(path)
            if set(words_of(name)) & set(WORDS)
        }
        - BY_NAME
    )
    rows.append(("identifiers with part, piece, square or strip", len(named)))
    called = walk_of_a_call(package.resolve())
    for name, number in zip(
        ("functions", "files", "room changes"), called, strict=True
    ):
        rows.append((f"{name} of a default call", number))
    for name, number in rows:
        print(f"| {name} | {number} |")
    if details:
        for each in (many, patched, against, named):
            print("\n" + "\n".join(each))


def main():
    """Count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--details", action="store_true")
    options = parser.parse_args()
    count(options.root.resolve(), options.details)


if __name__ == "__main__":
    main()
