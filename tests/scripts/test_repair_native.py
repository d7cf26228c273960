"""The repair changes only known symbols, and replaces a file only if the new one loads."""

import ctypes
import importlib.util
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import repair_native
from scripts.repair_native import UnknownFileError, loading_error, rebind, repair

# A library with the name and versions of a newer C library, to link a module against.
NEWER_C_LIBRARY = (
    "libc.so.6",
    "long __isoc23_strtol(const char *s, char **e, int b) { return 0; }\n"
    "int __isoc23_sscanf(const char *s, const char *f) { return 0; }\n"
    "int abs(int n) { return 0; }\n",
    "GLIBC_2.2.5 { abs; }; GLIBC_2.38 { __isoc23_strtol; __isoc23_sscanf; };",
)
NEWER_CXX_LIBRARY = (
    "libstdc++.so.6",
    "void __cxa_call_terminate(void) {}\n"
    "void _ZSt21ios_base_library_initv(void) {}\n"
    "void _ZSt17__throw_bad_allocv(void) {}\n",
    "GLIBCXX_3.4 { _ZSt17__throw_bad_allocv; }; GLIBCXX_3.4.32 { _ZSt21ios_base_library_initv; };"
    " CXXABI_1.3.15 { __cxa_call_terminate; };",
)
PARSER = (
    "long __isoc23_strtol(const char *, char **, int);\nint abs(int);\n"
    "long parse(const char *text) { return __isoc23_strtol(text, 0, 10) + abs(-1); }\n"
)


@pytest.fixture
def link(tmp_path):
    """Returns a function that links C code against a library of newer versions."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc here to build a module that needs newer libraries")

    def build(code: str, library: tuple[str, str, str]) -> Path:
        name, exports, versions = library
        common = [compiler, "-shared", "-fPIC", "-fno-builtin", "-nostdlib", "-x", "c"]
        script, stand_in = tmp_path / "versions", tmp_path / "newer.so"
        script.write_text(versions, encoding="utf-8")
        options = [f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", "-o", str(stand_in)]
        subprocess.run([*common, "-", *options], input=exports, text=True, check=True)
        folder = tmp_path / "module"
        folder.mkdir()
        module = folder / "module.so"
        options = ["-x", "none", str(stand_in), "-o", str(module)]
        subprocess.run([*common, "-", *options], input=code, text=True, check=True)
        return module

    return build


@pytest.fixture(params=repair_native.MODULES)
def installed_module(request, tmp_path):
    """Returns a copy of a module repaired by the set-up."""
    package, _, rest = request.param.partition("/")
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return Path(shutil.copy(Path(found.submodule_search_locations[0]) / rest, tmp_path))


def refuses_and_leaves_alone(path: Path) -> str:
    before, inode = path.read_bytes(), path.stat().st_ino
    with pytest.raises(UnknownFileError) as refusal:
        repair(path)
    assert path.read_bytes() == before
    assert path.stat().st_ino == inode
    assert list(path.parent.iterdir()) == [path]
    return str(refusal.value)


def test_a_module_that_loads_keeps_its_inode_and_bytes(installed_module):
    before, inode = installed_module.read_bytes(), installed_module.stat().st_ino
    assert repair(installed_module) == []
    assert (installed_module.read_bytes(), installed_module.stat().st_ino) == (before, inode)


def test_a_module_cut_anywhere_is_refused(installed_module):
    image = installed_module.read_bytes()
    for sixteenths in range(16):
        with pytest.raises(UnknownFileError):
            rebind(image[: len(image) * sixteenths // 16])


def test_a_cut_module_is_left_alone(installed_module):
    with installed_module.open("r+b") as file:
        file.truncate(installed_module.stat().st_size // 2)
    assert "damaged or incomplete" in refuses_and_leaves_alone(installed_module)


def test_a_file_that_is_no_elf_is_left_alone(tmp_path):
    path = tmp_path / "module.so"
    path.write_text("not a shared object", encoding="utf-8")
    assert "no 64-bit ELF" in refuses_and_leaves_alone(path)


def test_a_rebound_function_does_what_the_newer_one_did(link, tmp_path):
    module = link(PARSER, NEWER_C_LIBRARY)
    image, rebound = rebind(module.read_bytes())
    assert rebound == ["__isoc23_strtol"]
    module.write_bytes(image)
    assert ctypes.CDLL(str(module)).parse(b"41") == 42


def test_a_name_that_is_nowhere_in_the_file_takes_the_place_of_the_old_one(link):
    code = (
        "void __cxa_call_terminate(void);\nvoid _ZSt17__throw_bad_allocv(void);\n"
        "void stop(void) { __cxa_call_terminate(); _ZSt17__throw_bad_allocv(); }\n"
    )
    module = link(code, NEWER_CXX_LIBRARY)
    image, rebound = rebind(module.read_bytes())
    assert rebound == ["__cxa_call_terminate"]
    module.write_bytes(image)
    assert loading_error(module) is None


def test_rebinding_keeps_the_size_and_happens_once(link):
    before = link(PARSER, NEWER_C_LIBRARY).read_bytes()
    after, _ = rebind(before)
    assert len(after) == len(before)
    assert rebind(after) == (after, [])


def test_a_symbol_without_a_known_equal_is_refused(link):
    code = (
        "int __isoc23_sscanf(const char *, const char *);\nint abs(int);\n"
        "int scan(const char *text) { return __isoc23_sscanf(text, text) + abs(-1); }\n"
    )
    image = link(code, NEWER_C_LIBRARY).read_bytes()
    with pytest.raises(UnknownFileError, match="__isoc23_sscanf@GLIBC_2.38, which has no known"):
        rebind(image)


def test_a_mark_for_the_linker_that_code_calls_is_refused(link):
    code = (
        "void _ZSt21ios_base_library_initv(void);\nvoid _ZSt17__throw_bad_allocv(void);\n"
        "void start(void) { _ZSt21ios_base_library_initv(); _ZSt17__throw_bad_allocv(); }\n"
    )
    image = link(code, NEWER_CXX_LIBRARY).read_bytes()
    with pytest.raises(UnknownFileError, match="its code uses _ZSt21ios_base_library_initv"):
        rebind(image)


def test_a_repaired_file_is_a_new_one_and_the_cache_keeps_the_old(link, tmp_path):
    if tuple(map(int, platform.libc_ver()[1].split("."))) >= (2, 38):
        pytest.skip("the C library here has all that the module asks for")
    module = link(PARSER, NEWER_C_LIBRARY)
    cached, before = tmp_path / "cached.so", module.read_bytes()
    cached.hardlink_to(module)
    assert repair(module) == ["__isoc23_strtol"]
    assert cached.read_bytes() == before
    assert loading_error(module) is None


def test_a_known_file_that_still_does_not_load_is_left_alone(link, tmp_path):
    name, exports, versions = NEWER_C_LIBRARY
    library = (
        name,
        exports + "int not_in_any_c_library(void) { return 0; }\n",
        versions.replace("{ abs;", "{ abs; not_in_any_c_library;"),
    )
    code = (
        PARSER + "int not_in_any_c_library(void);\nint f(void) { return not_in_any_c_library(); }"
    )
    assert "even when repaired" in refuses_and_leaves_alone(link(code, library))


def test_the_program_says_what_to_do_about_a_file_it_refuses(tmp_path, monkeypatch, capsys):
    (tmp_path / "module.so").write_bytes(b"")
    monkeypatch.setattr(repair_native, "MODULES", ("module.so",))
    monkeypatch.setattr(repair_native.sysconfig, "get_paths", lambda: {"platlib": str(tmp_path)})
    assert repair_native.main() == 1
    assert "make clean setup" in capsys.readouterr().err
