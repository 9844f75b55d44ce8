"""What is in the Debian packages in the folder EVIO_DEBS, made by cpack from a build with the components EVIO_COMPONENTS,
shared libraries if EVIO_SHARED is 1. Leaves them unpacked, for others to build against, in the folder EVIO_DEBS/unpacked."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBS = pathlib.Path(os.environ["EVIO_DEBS"]).resolve()
BUILD = pathlib.Path(os.environ["EVIO_BUILD"]).resolve()
COMPONENTS = os.environ["EVIO_COMPONENTS"].split()
COMPILED = [f"_{component}" for component in COMPONENTS if component != "protobuf"]  # that one is a header
SHARED = os.environ["EVIO_SHARED"] == "1"
DEPENDS = {
    "http": ["zlib1g-dev"],
    "metrics": ["pkg-config", "prometheus-cpp-dev"],
    "protobuf": ["libprotobuf-dev"],
    "websocket": ["libwslay-dev", "nettle-dev", "pkg-config", "zlib1g-dev"],
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def package(name):
    found = list(DEBS.glob(f"{name}_*.deb"))
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def field(name, of):
    return output("dpkg-deb", "--field", package(name), of).strip()


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = ["libevio-dev"] + (["libevio0"] if SHARED else [])
        cls.root = DEBS / "unpacked"
        shutil.rmtree(cls.root, ignore_errors=True)
        cls.contents = {}
        for name in cls.names:
            subprocess.run(["dpkg-deb", "--extract", package(name), cls.root], check=True)
            lines = output("dpkg-deb", "--contents", package(name)).splitlines()
            cls.contents[name] = {line.split(None, 5)[5].split(" -> ")[0].removeprefix("./") for line in lines}

    def find_library(self, name, suffix):
        """The path of a library in the packages, whichever folder the build installs into."""
        found = [path for path in self.root.glob("usr/lib/**/*") if path.name == f"lib{name}{suffix}"]
        self.assertEqual(len(found), 1, f"lib{name}{suffix}")
        return found[0]

    def packed_in(self, path):
        """The packages that contain the file."""
        path = path.relative_to(self.root).as_posix()
        return [name for name in self.names if path in self.contents[name]]

    def test_those_packages_and_no_other(self):
        self.assertEqual(sorted(path.name.split("_")[0] for path in DEBS.glob("*.deb")), sorted(self.names))

    def test_all_public_headers(self):
        absent = DEPENDS.keys() - set(COMPONENTS)
        for header in (ROOT / "include").rglob("*.hpp"):
            name = header.relative_to(ROOT / "include").as_posix()
            if name.removesuffix(".hpp").split("/")[1] not in absent:
                self.assertIn(f"usr/include/{name}", self.contents["libevio-dev"])

    def test_what_cmake_and_pkg_config_read(self):
        names = {path.rsplit("/", 1)[-1] for path in self.contents["libevio-dev"]}
        self.assertLessEqual({"evioConfig.cmake", "evioConfigVersion.cmake", "evioTargets.cmake"}, names)
        modules = {"evio.pc", "evio-simulation.pc", *(f"evio-{component}.pc" for component in COMPONENTS)}
        self.assertEqual({name for name in names if name.endswith(".pc")}, modules)
        for component in COMPONENTS:
            self.assertIn(f"evio-{component}.cmake", names)

    def test_static_libraries(self):
        for name in ["_simulation"] if SHARED else ["", "_simulation", *COMPILED]:
            self.assertEqual(self.packed_in(self.find_library(f"evio{name}", ".a")), ["libevio-dev"])

    @unittest.skipUnless(SHARED, "static")
    def test_shared_libraries_their_names_and_links(self):
        for name in ["", *COMPILED]:
            link = self.find_library(f"evio{name}", ".so")
            soname = self.find_library(f"evio{name}", ".so.0")
            self.assertEqual(self.packed_in(link), ["libevio-dev"])
            self.assertEqual(self.packed_in(soname), ["libevio0"])
            self.assertEqual(link.resolve(), soname.resolve())
            header = output("objdump", "--private-headers", soname)
            self.assertEqual(re.findall(r"SONAME +(\S+)", header), [f"libevio{name}.so.0"])
            self.assertEqual(re.findall(r"RUNPATH +(\S+)", header), ["$ORIGIN"])
            self.assertNotRegex(header, "TEXTREL")

    def test_fields(self):
        version = re.search(r"project\(evio VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        for name in self.names:
            self.assertEqual(field(name, "Version"), version)
            self.assertRegex(field(name, "Maintainer"), r"^\S.* <\S+@\S+>$")
            first, *rest = field(name, "Description").splitlines()
            self.assertLess(len(first), 80)
            self.assertGreater(len(rest), 2)
            self.assertTrue(all(line.startswith(" ") and len(line) <= 80 for line in rest), rest)
        depends = field("libevio-dev", "Depends").split(", ")
        for component in COMPONENTS:
            self.assertLessEqual(set(DEPENDS[component]), set(depends))
        self.assertEqual(f"libevio0 (= {version})" in depends, SHARED)
        if SHARED and shutil.which("dpkg-shlibdeps"):
            self.assertIn("libstdc++6", field("libevio0", "Depends"))

    def test_licence(self):
        for name in self.names:
            copyright = self.root / f"usr/share/doc/{name}/copyright"
            self.assertEqual(copyright.read_bytes(), (ROOT / "LICENSE").read_bytes())
            self.assertEqual(self.packed_in(copyright), [name])

    def test_no_path_of_the_machine_that_built_them(self):
        for path in self.root.rglob("*"):
            if path.is_file():
                for folder in (ROOT, BUILD, DEBS):
                    self.assertNotIn(bytes(folder) + b"/", path.read_bytes(), path)

    def test_no_debug_information(self):
        for name in ["_simulation"] if SHARED else ["", "_simulation", *COMPILED]:
            sections = output("objdump", "--section-headers", self.find_library(f"evio{name}", ".a"))
            self.assertNotIn(".debug_info", sections)
        for name in ["", *COMPILED] if SHARED else []:
            self.assertNotIn(".debug_info", output("objdump", "--section-headers", self.find_library(f"evio{name}", ".so.0")))


if __name__ == "__main__":
    unittest.main()
