# SPDX-License-Identifier: GPL-3.0-or-later
import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import requires
from pathlib import Path

import pytest

import hyperspy_symseg


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,  # not where the source would be imported
    )


@pytest.fixture
def image(two_grains, tmp_path):
    two_grains[0].save(tmp_path / "grains.hspy")
    return str(tmp_path / "grains.hspy")


WITHOUT_KERNELS = """
import sys
for kernel in ("_translation", "_polar", "_pooling"):  # as if their files were deleted
    sys.modules["hyperspy_symseg." + kernel] = None
import hyperspy.api as hs
s = hs.load({image!r})
print(type(s) is hs.signals.Signal2D, s.data.shape)
s.segment_symmetry(descriptor={descriptor!r})
"""


@pytest.mark.parametrize(
    ("descriptor", "kernel"), [("translation", "_translation"), ("rotation", "_p")]
)
def test_files_load_without_the_kernels_and_the_method_says_what_is_missing(
    image, descriptor, kernel
):
    result = run(WITHOUT_KERNELS.format(image=image, descriptor=descriptor))
    assert result.stdout.strip() == "True (61, 83)"
    assert re.search(rf"hyperspy_symseg\.{kernel}\w* is missing", result.stderr)


LOAD = """
import sys
import hyperspy.api as hs
before = "hyperspy_symseg" in sys.modules
s = hs.load({image!r})
own = [name for name in sys.modules if name.startswith("hyperspy_symseg._")]
heavy = {{"sklearn", "skimage"}} & set(sys.modules)
print(before, heavy, own, callable(s.segment_symmetry))
"""


def test_loading_a_file_imports_nothing_heavy(image):
    assert run(LOAD.format(image=image)).stdout.strip() == "False set() [] True"


FIRST_CALL = """
import logging, sys
import hyperspy.api as hs
logging.getLogger("hyperspy_symseg").setLevel("ERROR")
hs.load({image!r}).segment_symmetry(show_progressbar=False)
names = "dask.array", "matplotlib.pyplot", "pandas", "pint", "scipy.stats", "sklearn"
names = *names, "skimage"
print(sorted(set(names) & set(sys.modules)))
"""


def test_first_call_imports_nothing_that_takes_long(image):
    assert run(FIRST_CALL.format(image=image)).stdout.strip() == "[]"


PACKAGE = Path(hyperspy_symseg.__file__).parent
# Names of packages that differ from those of their modules.
NAMES = {
    "PIL": "pillow",
    "lazy_loader": "lazy-loader",
    "rsciio": "rosettasciio",
    "sklearn": "scikit-learn",
}


def imported():
    """Packages that any line of the package imports, but for types."""
    for path in set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("tests/**/*.py")):
        tree = ast.parse(path.read_text())
        of_types = {
            node
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for node in ast.walk(block)
        }
        for node in set(ast.walk(tree)) - of_types:
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module


def test_dependencies_are_those_that_are_imported():
    modules = {name.partition(".")[0] for name in imported()}
    modules -= {*sys.stdlib_module_names, "hyperspy_symseg", "laptrack", "pandas"}
    runtime = [line for line in requires("hyperspy-symseg") if "extra ==" not in line]
    declared = {re.match(r"[\w-]+", line)[0] for line in runtime}
    assert declared == {NAMES.get(name, name) for name in modules}


@pytest.fixture
def source(tmp_path, checkout):
    """A clone in which nothing was built."""
    unwanted = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    for name in ("cython_ext", "hyperspy_symseg"):
        shutil.copytree(checkout / name, tmp_path / "clone" / name, ignore=unwanted)
    return tmp_path / "clone"


# As an interactive Python does: the folder it is started in comes first.
IN_SOURCE = """
import sys
sys.meta_path = [f for f in sys.meta_path if "Mesonpy" not in type(f).__name__]
sys.path.insert(0, "")
import hyperspy.api as hs
s = hs.load({image!r})
print(type(s) is hs.signals.Signal2D, s.data.shape)
s.segment_symmetry()
"""


def test_unbuilt_source_says_what_to_do(source, image):
    result = subprocess.run(
        [sys.executable, "-c", IN_SOURCE.format(image=image)],
        capture_output=True,
        text=True,
        check=False,
        cwd=source,
    )
    advice = re.escape(
        "You should not import hyperspy_symseg from its source folder, where its "
        f"kernels are not compiled: leave {source} and start Python again."
    )
    assert re.search(rf"WARNING \| Hyperspy \| {advice}", result.stdout)
    assert "True (61, 83)" in result.stdout
    assert re.search(rf"ImportError: {advice}", result.stderr)


def test_nothing_is_said_of_an_installed_package():
    assert run("import hyperspy.api, hyperspy_symseg").stdout == ""


def test_command_is_a_module(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "hyperspy_symseg", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "segment" in result.stdout


@pytest.fixture
def house(checkout):
    """The script that knows which room is on which floor."""
    path = checkout / "benchmarks" / "count_house.py"
    spec = importlib.util.spec_from_file_location("count_house", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_room_has_a_floor_and_imports_those_below(house):
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"tests"}
    assert rooms == set(house.FLOORS)
    assert house.arrows_against(PACKAGE) == []


def test_weights_are_installed_and_small():
    paths = list(PACKAGE.glob("networks/*.npz"))
    names = {"columns", "symmetry", "hrtem_graphene", "hrtem_mos2", "hrtem_metal"}
    names |= {"hrtem_sites_mos2", "hrtem_sites_metal", "shapes"}
    assert {path.stem for path in paths} == names
    assert sum(path.stat().st_size for path in paths) < 4e6


def test_nothing_of_the_networks_unpickles():
    for path in (PACKAGE / "networks").glob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text
        assert len(re.findall(r"np\.load\(", text)) == text.count("allow_pickle=False")


def test_public_names_are_found():
    for name in hyperspy_symseg.__all__:
        assert getattr(hyperspy_symseg, name).__doc__


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python has its lock"
)
def test_no_kernel_brings_the_lock_back():
    kernels = [path.name.partition(".")[0] for path in PACKAGE.glob("_*.so")]
    imports = ", ".join(f"hyperspy_symseg.{name}" for name in kernels)
    result = run(f"import sys; import {imports}; print(sys._is_gil_enabled())")
    assert result.stdout.strip() == "False"
