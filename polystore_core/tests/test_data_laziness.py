"""Nothing is imported that the caller has not imported."""

import subprocess
import sys

import pytest

HEAVY = "{'torch', 'jax', 'tensorflow', 'cupy', 'pandas', 'pyarrow', 'ml_dtypes'}"


def run(program):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_importing_the_package_imports_no_numpy():
    assert run("import sys, polystore_core.data; print('numpy' in sys.modules)") == "False"


def test_text_and_json_need_no_numpy():
    program = """
import sys
from polystore_core.data import data_equal, kind_of, normalize
values = [b"x", "x", bytearray(b"x"), {"a": [1, None]}, [1.5], 3, True]
print([kind_of(normalize(value)) for value in values], data_equal({"a": 1}, {"a": 1}), "numpy" in sys.modules)
"""
    assert run(program) == "['bytes', 'text', 'bytes', 'json', 'json', 'json', 'json'] True False"


def test_normalizing_and_comparing_arrays_imports_no_framework():
    program = f"""
import sys
import numpy as np
from polystore_core.data import data_equal, normalize
for data in (np.zeros(3), {{"a": np.zeros(3, ">f4")}}, np.float32(1), {{"a": [1]}}):
    normalize(data)
assert data_equal(np.zeros(3), np.zeros(3))
print({HEAVY} & set(sys.modules))
"""
    assert run(program) == "set()"


def test_a_refusal_imports_no_framework():
    program = f"""
import sys
from polystore_core.data import normalize
try:
    normalize(object())
except TypeError:
    print({HEAVY} & set(sys.modules))
"""
    assert run(program) == "set()"


def test_the_aliases_work_without_numpy_and_resolve_with_it():
    program = """
import sys, typing
from polystore_core.data import Data, JSON, SupportedData
def store(data: SupportedData) -> Data: ...
before = "numpy" in sys.modules
import numpy
hints = typing.get_type_hints(store)
print(before, numpy.ndarray in typing.get_args(hints["return"]))
"""
    assert run(program) == "False True"


@pytest.mark.parametrize(
    ("framework", "line"),
    [
        ("torch", "pip install torch"),
        ("jax", "pip install jax"),
        ("tensorflow", "pip install tensorflow"),
        ("cupy", "pip install cupy-cuda12x"),
    ],
)
def test_a_missing_framework_is_named_with_the_line_that_installs_it(framework, line):
    program = f"""
import sys
import numpy as np
from polystore_core import BackendUnavailable
from polystore_core.data import to_framework
sys.path[:] = [folder for folder in sys.path if "site-packages" not in folder]
try:
    to_framework(np.zeros(3), {framework!r})
except BackendUnavailable as error:
    print(error)
"""
    assert run(program) == f"{framework} is not installed; type {line}"


def test_threads_do_not_meet_what_another_one_is_importing():
    program = """
import sys, threading, time, types
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import PathFinder

import numpy as np


class Slow:
    def find_spec(self, name, path, target=None):
        if name != "polystore_core.data._cupy":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (time.sleep(0.2), execute(module))
        return spec


class Array:
    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)


from polystore_core.data import normalize

sys.modules["cupy"] = types.ModuleType("cupy")
sys.meta_path.insert(0, Slow())
with ThreadPoolExecutor(4) as pool:
    print([array.shape for array in pool.map(normalize, [Array() for _ in range(4)])])
"""
    assert run(program) == "[(3,), (3,), (3,), (3,)]"


def test_values_pass_while_numpy_is_being_imported():
    program = """
import sys, types
from polystore_core.data import kind_of, normalize
sys.modules["numpy"] = types.ModuleType("numpy")
print([kind_of(normalize(value)) for value in ("x", {"a": 1}, [1])])
"""
    assert run(program) == "['text', 'json', 'json']"
