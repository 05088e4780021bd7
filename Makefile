# Every task of the house. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test release bench bench-scim bench-million fmt lint docs deny packages rust

CARGO ?= cargo

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: rust ## a whole sign-in on this machine: sample app, identity provider, two companies, four people
	@scripts/packages build
	$(CARGO) run --locked -- demo

test: rust ## every test: units, integration, a real identity provider, a real browser
	@scripts/packages build test
	$(CARGO) test --locked

release: rust ## the optimised binary, target/release/vestibule
	@scripts/packages build
	$(CARGO) build --locked --release --bin vestibule

bench: rust ## CPU per request beside a bare pingora proxy, nginx, and Apache with mod_auth_mellon
	@scripts/packages build test bench
	$(CARGO) build --locked --release --bin vestibule --example bare_proxy
	benches/compare/run

bench-scim: rust ## the side port beside two other SCIM servers, with 10,000 people
	@scripts/packages build scim
	@scripts/scim-peers
	$(CARGO) build --locked --release --bin vestibule
	benches/scim/run --part compare

bench-million: rust ## the side port with a million people beside itself with 10,000: memory, start-up, pages, groups
	@scripts/packages build scim
	$(CARGO) build --locked --release --bin vestibule
	benches/scim/run --part million

fmt: rust ## formats the code
	$(CARGO) fmt

lint: rust ## formatting and clippy, as CI runs them, with and without the second verifier
	@scripts/packages build
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings

docs: rust ## the code's own documentation, in target/doc
	@scripts/packages build
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --locked --no-deps --document-private-items

deny: rust ## licences, sources and doubles among the dependencies (needs cargo-deny: cargo install cargo-deny --locked)
	$(CARGO) deny --offline check bans licenses sources

packages: ## installs every system package that the tasks above need
	@scripts/packages build test bench

rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then run make again." >&2; exit 1; }
