# The commands of the workshop. Each calls a script of tools/, which says more about itself.
PRESET ?= release
export PRESET
.DEFAULT_GOAL := help
.PHONY: help demo test test-full test-unit test-asan test-tsan test-simulation test-fresh build lint fmt generate verify

help: ## show this
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The programs alone: two fifths of what there is to build are tests.
demo: ## set this machine up, build, and run the flights workflow, killing the scheduler in the middle
	@tools/bootstrap.sh demo
	@tools/build.sh millrace millrace-scheduler millrace-worker millrace-runner millrace-sql
	@tools/demo.sh

test: ## everything a change must pass (also: PRESET=dev)
	@tools/test.sh

test-full: ## all of test, and what takes too long for it: fuzzing, benchmarks, a bare Debian 12
	@tools/test.sh --full

build: ## build all; PRESET=dev|release|asan|tsan|lint|fuzz
	@tools/bootstrap.sh demo
	@tools/build.sh

test-unit: build ## the tests beside the code
	@tools/run_tests.py build/$(PRESET) -L '^unit$$'

test-asan: ## address and undefined-behaviour sanitizers over what parses, decides or touches memory
	@tools/bootstrap.sh test
	@tools/sanitize.sh asan

test-tsan: ## thread sanitizer over the same
	@tools/bootstrap.sh test
	@tools/sanitize.sh tsan

test-simulation: build ## 3,000 seeds of the engine under faults
	@MILLRACE_SEEDS=3000 tools/run_tests.py build/$(PRESET) -L '^simulation$$'

test-fresh: ## README's commands in a bare Debian 12 (needs root)
	@tools/test_fresh.sh

lint: ## format, layers, bans, scripts, YAML, headers alone, clang-tidy on what changed
	@tools/bootstrap.sh test
	@tools/lint.sh

fmt: ## format all C++ sources
	@git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cpp' ':!manifest/generated' | xargs -0 -r ls -d 2>/dev/null | tr '\n' '\0' | xargs -0 -r clang-format-19 -i

generate: ## make what is made of manifest/ and deps.lock
	@tools/generate.py && tools/deps_docs.py

verify: ## fail where 'make generate' would change a file
	@tools/generate.py --check && tools/deps_docs.py --check

bench-%: build ## dispatch, store, ingest, simulation, idle, core: measure, with the settings printed
	@bench/run.sh $*
