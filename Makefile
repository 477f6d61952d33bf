# The commands of the README. PROFILE serves running, tests and simulation, so that dependencies build once.
PROFILE ?= ci
CARGO ?= cargo

.PHONY: run test bench soak tools sabotage

run:
	$(CARGO) run --profile $(PROFILE) --bin lampfield -- demo --no-callers

tools:
	./tests/tools.sh

test: tools
	$(CARGO) test --profile $(PROFILE) --workspace
	./tests/sabotage.sh

sabotage:
	./tests/sabotage.sh

bench:
	./benches/run.sh

soak:
	./benches/soak.sh
