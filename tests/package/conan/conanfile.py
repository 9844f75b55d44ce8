"""What `conan create` builds against the package that it made: the project in ../consumer."""

import pathlib

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class Consumer(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "CMakeToolchain"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder="../consumer")
        cmake.build()

    def test(self):
        if can_run(self):
            for program in ("consumer", "simulated"):
                self.run(str(pathlib.Path(self.build_folder) / self.cpp.build.bindir / program), env="conanrun")
