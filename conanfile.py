"""A recipe for Conan 2: `conan create .` packs this tree. docs/packages.md tells about it."""

import pathlib
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir
from conan.tools.gnu import PkgConfigDeps

COMPONENTS = ("http", "metrics", "protobuf", "websocket")


class Evio(ConanFile):
    name = "evio"
    description = "Event-loop networking library: TCP, UDP and unix sockets on io_uring, epoll or poll"
    license = "MIT"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {option: [True, False] for option in ("shared", "fPIC", "uring", *COMPONENTS)}
    default_options = {
        "shared": False,
        "fPIC": True,
        "uring": True,
        **{component: False for component in COMPONENTS},
        "boost/*:header_only": True,
        "prometheus-cpp/*:with_pull": False,
        "prometheus-cpp/*:with_push": False,
    }
    exports_sources = "CMakeLists.txt", "cmake/*", "include/*", "src/*", "LICENSE"
    test_package_folder = "tests/package/conan"

    def set_version(self):
        cmake = (pathlib.Path(self.recipe_folder) / "CMakeLists.txt").read_text()
        self.version = re.search(r"project\(evio VERSION (\S+)", cmake)[1]

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def components(self):
        chosen = {name for name in COMPONENTS if self.options.get_safe(name)}
        return chosen | {"http"} if "websocket" in chosen else chosen  # which stands on it

    def requirements(self):
        components = self.components()
        if self.options.uring:
            self.requires("liburing/[>=2.3 <3]")
        if components & {"http", "metrics"}:
            self.requires("boost/[>=1.74 <2]")
        if "http" in components:
            self.requires("zlib/[>=1.2.11 <2]")
        if "metrics" in components:
            self.requires("prometheus-cpp/[>=1.0 <2]")
        if "protobuf" in components:
            self.requires("protobuf/[>=3.21 <4]", transitive_headers=True, transitive_libs=True)
        if "websocket" in components:
            self.requires("wslay/[>=1.1 <2]")
            self.requires("nettle/[>=3.6 <4]")
            self.requires("utfcpp/[>=3.2 <5]")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["EVIO_URING"] = bool(self.options.uring)
        for component in COMPONENTS:
            toolchain.cache_variables[f"EVIO_{component.upper()}"] = component in self.components()
        toolchain.cache_variables["EVIO_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["EVIO_BUILD_TESTS"] = False
        toolchain.generate()
        dependencies = CMakeDeps(self)
        dependencies.set_property("wslay", "cmake_target_name", "wslay")
        dependencies.generate()
        PkgConfigDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, pathlib.Path(self.package_folder) / "licenses")
        CMake(self).install()
        # Conan writes its own for who uses the package, from package_info.
        rmdir(self, pathlib.Path(self.package_folder) / "lib/cmake")
        rmdir(self, pathlib.Path(self.package_folder) / "lib/pkgconfig")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "evio")
        needs = {
            "evio": ["liburing::liburing"] if self.options.uring else [],
            "simulation": ["evio"],
            "http": ["evio", "boost::headers", "zlib::zlib"],
            "metrics": ["evio", "boost::headers", "prometheus-cpp::prometheus-cpp-core"],
            "protobuf": ["evio", "protobuf::libprotobuf"],
            "websocket": ["http", "boost::headers", "wslay::wslay", "nettle::nettle", "utfcpp::utfcpp"],
        }
        for name in ("evio", "simulation", *sorted(self.components())):
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", f"evio::{name}")
            component.set_property("pkg_config_name", "evio" if name == "evio" else f"evio-{name}")
            component.requires = needs[name]
            component.libs = {"evio": ["evio"], "protobuf": []}.get(name, [f"evio_{name}"])
            component.system_libs = ["pthread"]
