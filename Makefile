# `make` alone prints what there is. What each rule needs is installed first (Debian; elsewhere see packages/).
.DEFAULT_GOAL := help
.PHONY: help run build test quick bench sim sim-lines mutants soak fuzz debug clang asan tsan format check-format tidy \
        abi docs deps test-deps check-deps clean

PRESET ?= release
JOBS ?= $(shell nproc)
SECONDS ?= 60
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
# Twice as many as there are cores: many tests only wait.
export CTEST_PARALLEL_LEVEL ?= $(shell expr $(JOBS) \* 2)
# Where ccache is installed a second build takes a fraction of the time, in a clone elsewhere too: it sees paths relative
# to the checkout.
export CMAKE_CXX_COMPILER_LAUNCHER ?= $(shell command -v ccache)
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= true

configure = cmake --preset $1 >/dev/null
sources = git ls-files '*.cpp' '*.hpp'

help:
	@grep -E '^[a-z -]+:.*##' Makefile | sed -E 's/:[^#]*## */:/' | awk -F: '{ printf "  make %-24s %s\n", $$1, $$2 }'

run: deps  ## build and run the echo server on port 5000; ARGS="--port 6000" are its arguments
	$(call configure,release)
	cmake --build --preset release --target echo-server
	build/release/examples/echo-server $(ARGS)

test: build  ## build everything and run every test
	ctest --preset $(PRESET)

quick: build  ## build everything and run the tests labelled quick: less than a minute, on two cores
	ctest --preset $(PRESET) -L quick

debug clang asan tsan: check-deps  ## the same with asserts, by clang, under AddressSanitizer, under ThreadSanitizer
	$(MAKE) test PRESET=$@

build: test-deps  ## build everything as PRESET says (release, debug, clang, asan, tsan)
	$(call configure,$(PRESET))
	cmake --build --preset $(PRESET)

soak: test-deps  ## a crowd of connections on every backend; SECONDS=60 for each
	$(call configure,release)
	cmake --build --preset release --target soak_tests
	EVIO_SOAK_SECONDS=$(SECONDS) build/release/tests/soak_tests --gtest_brief=1

fuzz: check-deps  ## run every fuzzer; SECONDS=60 for each
	$(call configure,fuzz)
	cmake --build --preset fuzz
	@for target in $(notdir $(wildcard fuzz/corpus/*)); do \
	  mkdir -p build/fuzz/corpus/$$target; \
	  echo "fuzzing $$target"; \
	  build/fuzz/fuzz/fuzz_$$target -max_total_time=$(SECONDS) -timeout=10 -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$$target- build/fuzz/corpus/$$target fuzz/corpus/$$target || exit 1; \
	done

bench: test-deps  ## compare with other libraries (half an hour); ARGS="--quick", ARGS="--workload echo-50 --server libuv"
	@cmake/install-packages bench/packages.txt
	cmake --preset release -B build/bench -D EVIO_BENCH_PEERS=ON -D EVIO_BUILD_TESTS=OFF >/dev/null
	cmake --build build/bench
	bench/run.py $(ARGS)

sim: test-deps  ## random simulated worlds for SECONDS=60; ARGS="--seed 5" runs that one, with its trace
	$(call configure,release)
	cmake --build --preset release --target simulate
	build/release/tests/simulate --seconds $(SECONDS) $(ARGS)

sim-lines: test-deps  ## which lines of src/ no simulated world reaches, in SECONDS=60
	tests/simulation/lines.py --seconds $(SECONDS)

mutants: test-deps  ## change the library in ways that the simulation must notice; ARGS="--only NAME"
	tests/simulation/mutants.py $(ARGS)

format: check-deps  ## format all sources
	$(sources) | xargs clang-format-14 -i

check-format: check-deps  ## fail if `make format` would change something
	$(sources) | xargs clang-format-14 --dry-run -Werror

tidy: check-deps  ## look for mistakes with clang-tidy
	$(call configure,clang)
	run-clang-tidy-14 -quiet -p build/clang -j $(JOBS) '$(CURDIR)/src/'

abi: check-deps  ## what changed of the ABI between two revisions: OLD=v0.1.0, NEW=HEAD
	cmake/abi-check $(or $(OLD),$(error name a revision: OLD=...)) $(or $(NEW),HEAD)

docs:  ## the reference and the pages of docs/ as a site in build/docs/html; no warning is let through
	@cmake/install-packages packages/docs.txt
	mkdir -p build
	doxygen docs/Doxyfile
	cp -r examples include build/docs/html/

deps:  ## install what the build needs
	@cmake/install-packages packages/build.txt

test-deps:  ## install what the tests need, too
	@cmake/install-packages packages/build.txt packages/examples.txt packages/tests.txt

check-deps:  ## install what the checks need, too
	@cmake/install-packages packages/build.txt packages/examples.txt packages/tests.txt packages/checks.txt

clean:  ## remove everything that was built
	rm -rf build
