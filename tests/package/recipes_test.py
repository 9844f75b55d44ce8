"""The recipes for Conan and vcpkg name options, components and a version that the build has. Neither tool is needed: the
recipe is given a stand-in for Conan, the port's portfile.cmake functions that only configure, in the folder
EVIO_BINARY_DIR, with each feature in EVIO_OFFERED, whose libraries are here."""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import types
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT = ROOT / "packaging/vcpkg/ports/evio"
CMAKE = "\n".join(path.read_text() for path in [ROOT / "CMakeLists.txt", *(ROOT / "cmake").glob("*.cmake")])
VERSION = re.search(r"project\(evio VERSION (\S+)", CMAKE)[1]
OPTIONS = set(re.findall(r"option\((EVIO_\w+)", CMAKE))
COMPONENTS = set(re.findall(r"^evio_component\((\w+)\)", CMAKE, re.MULTILINE))
MODULES = set(re.findall(r"evio_pkg_config\((evio[\w-]*) ", CMAKE))
LIBRARIES = {*re.findall(r"LIBS -l(evio\w*)", CMAKE)}

STUB = """cmake_minimum_required(VERSION 3.22)
set(CURRENT_PORT_DIR "@port@")
set(CURRENT_PACKAGES_DIR "@build@/packages")
set(FEATURES core @feature@)
function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" OUT_FEATURE_OPTIONS FEATURES)
  while(arg_FEATURES)
    list(POP_FRONT arg_FEATURES feature option)
    set(value OFF)
    if(feature IN_LIST FEATURES)
      set(value ON)
    endif()
    list(APPEND options -D${option}=${value})
  endwhile()
  set(${arg_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()
function(vcpkg_find_acquire_program name)
  find_program(program pkg-config)
  set(${name} ${program} PARENT_SCOPE)
endfunction()
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH OPTIONS)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B @build@ ${arg_OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_install)
endfunction()
function(vcpkg_cmake_config_fixup)
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  file(SIZE ${arg_FILE_LIST} size)  # fails if there is none
endfunction()
include("@port@/portfile.cmake")
"""


def conan_recipe():
    names = ("conan", "conan.tools", *(f"conan.tools.{name}" for name in ("build", "cmake", "files", "gnu")))
    modules = {name: mock.MagicMock() for name in names}
    modules["conan"].ConanFile = type("ConanFile", (), {})
    with mock.patch.dict(sys.modules, modules):
        spec = importlib.util.spec_from_file_location("recipe", ROOT / "conanfile.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


class Conan(unittest.TestCase):
    def setUp(self):
        self.module = conan_recipe()
        self.recipe = self.module.Evio()
        self.recipe.recipe_folder = str(ROOT)
        self.recipe.options = types.SimpleNamespace(get_safe=lambda name: True, uring=True)

    def test_version(self):
        self.recipe.set_version()
        self.assertEqual(self.recipe.version, VERSION)

    def test_components_are_those_of_the_build(self):
        self.assertEqual(set(self.module.COMPONENTS), COMPONENTS)

    def test_options_are_those_of_the_build(self):
        self.recipe.generate()
        toolchain = self.module.CMakeToolchain.return_value.cache_variables.__setitem__
        names = {call.args[0] for call in toolchain.call_args_list}
        self.assertEqual(names, {"EVIO_URING", "EVIO_BUILD_EXAMPLES", "EVIO_BUILD_TESTS"} | {
            f"EVIO_{component.upper()}" for component in COMPONENTS})
        self.assertLessEqual(names, OPTIONS)

    def test_modules_and_libraries_are_those_of_the_build(self):
        self.recipe.cpp_info = mock.MagicMock()
        components = {}
        self.recipe.cpp_info.components.__getitem__.side_effect = lambda name: components.setdefault(name, mock.Mock())
        self.recipe.package_info()
        properties = {
            key: {call.args[1] for component in components.values()
                  for call in component.set_property.call_args_list if call.args[0] == key}
            for key in ("cmake_target_name", "pkg_config_name")
        }
        self.assertEqual(properties["cmake_target_name"], {f"evio::{name}" for name in {"evio", "simulation"} | COMPONENTS})
        self.assertEqual(properties["pkg_config_name"], MODULES)
        self.assertEqual({library for component in components.values() for library in component.libs}, LIBRARIES)


class Vcpkg(unittest.TestCase):
    def setUp(self):
        self.manifest = json.loads((PORT / "vcpkg.json").read_text())

    def test_version(self):
        self.assertEqual(self.manifest["version"], VERSION)

    def test_features_are_components_and_backends(self):
        self.assertEqual(set(self.manifest["features"]), COMPONENTS - {"websocket"} | {"uring"})

    def test_the_port_configures_the_tree_it_lies_in(self):
        for feature in ("", *os.environ["EVIO_OFFERED"].split()):
            if feature == "websocket":  # vcpkg lacks what it needs
                continue
            build = pathlib.Path(os.environ["EVIO_BINARY_DIR"]) / f"vcpkg_{feature or 'core'}"
            build.mkdir(exist_ok=True)
            script = build / "port.cmake"
            text = STUB
            for name, value in {"port": PORT, "build": build, "feature": feature}.items():
                text = text.replace(f"@{name}@", str(value))
            script.write_text(text)
            result = subprocess.run(["cmake", "-P", script], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertNotIn("not used by the project", result.stderr)
            line = re.search(r"-- evio \S+: backends (.*); components simulation, ?(.*)", result.stdout)
            self.assertIsNotNone(line, result.stdout)
            self.assertEqual("io_uring" in line[1], feature == "uring")
            self.assertEqual(line[2].strip(), feature.replace("uring", ""))


if __name__ == "__main__":
    unittest.main()
