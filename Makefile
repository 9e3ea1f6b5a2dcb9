# make help lists what there is.

SHELL := /bin/sh
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
PACKAGES := target/packages
HELPER := target/helper/unhang-helper

.PHONY: help build helper check test demo bench deb clean

help:
	@echo "make check   format, lints and the tests that need neither root nor a guest"
	@echo "make test    everything: the above, network namespaces, fake udev, guests with a real e1000e"
	@echo "make demo    see it work in a guest, as a person would"
	@echo "make bench   measure it against ethtool"
	@echo "make deb     build the Debian package into $(PACKAGES)/"
	@echo "make build   build target/release/unhang and $(HELPER)"

build: helper
	cargo build --locked --release

# Static, so that it starts fast and works where no library is: in an initramfs. With --target,
# the flags are not used for build scripts and procedural macros, which can't be static.
helper:
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" cargo build --locked --release \
		--no-default-features --bin unhang-helper --target $(HOST)
	mkdir -p target/helper
	cp target/$(HOST)/release/unhang-helper $(HELPER)

deb: build
	tests/setup.sh deb
	rm -rf $(PACKAGES)/*.deb
	mkdir -p $(PACKAGES)
	cargo deb --no-build --locked --output $(PACKAGES)/

check:
	tests/setup.sh build
	tests/run.sh check

test:
	tests/setup.sh build deb test guest
	tests/run.sh all

demo:
	tests/setup.sh build deb guest
	$(MAKE) deb
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" cargo test --locked --quiet --test demo

bench:
	tests/setup.sh build bench
	$(MAKE) build
	benches/run.sh

clean:
	cargo clean
