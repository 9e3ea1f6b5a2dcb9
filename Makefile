# make help lists what there is.

SHELL := /bin/sh
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
PACKAGES := target/packages
HELPER := target/helper/unhang-helper
WATCHER := target/watcher/unhang-watch
GENERATED := target/generated

# For 'make install'. udev and initramfs tools look nowhere but below /usr.
prefix := /usr
udevdir := /usr/lib/udev
zshdir := $(prefix)/share/zsh/site-functions
licensedir := $(prefix)/share/licenses/unhang
DESTDIR :=

# The same source gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || \
	date -d "$$(sed -n 's/^ -- .*>  //p' packaging/deb/changelog | head -n 1)" +%s)
CARGO_HOME ?= $(HOME)/.cargo
FLAGS := $(RUSTFLAGS) --remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(CURDIR)=/unhang

.PHONY: help build helper watcher generated size install check test test-matrix demo bench deb old-deb rpm clean

help:
	@echo "make check   format, lints and the tests that need neither root nor a guest"
	@echo "make test    everything: the above, network namespaces, fake udev, guests with a real e1000e"
	@echo "make demo    see it work in a guest, as a person would"
	@echo "make bench   measure it against ethtool"
	@echo "make deb     build the Debian package into $(PACKAGES)/"
	@echo "make rpm     build the RPM package into $(PACKAGES)/"
	@echo "make install DESTDIR= prefix=/usr   install what 'make build' built; see packaging/README.md"
	@echo "make test-matrix   what an owner relies on, on every Debian; writes the table in README.md"
	@echo "make build   build target/release/unhang, $(HELPER) and $(WATCHER)"

build: helper watcher generated
	RUSTFLAGS="$(FLAGS)" cargo build --locked --release
	@$(MAKE) --no-print-directory size

# Static, so that it starts fast and works where no library is: in an initramfs; and at a fixed
# address, which spares it to relocate itself. With --target, the flags are not used for build
# scripts and procedural macros, which can't be static.
helper:
	RUSTFLAGS="$(FLAGS) -C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--no-eh-frame-hdr" \
		cargo build --locked --release --no-default-features --bin unhang-helper --target $(HOST)
	mkdir -p target/helper
	cp target/$(HOST)/release/unhang-helper $(HELPER)

watcher:
	RUSTFLAGS="$(FLAGS)" cargo build --locked --release --no-default-features --features watch --bin unhang-watch
	mkdir -p target/watcher
	cp target/release/unhang-watch $(WATCHER)

# unhang(8) and the completions, from the command line's definition.
generated:
	cargo run --locked --quiet --example gen -- "$$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)" $(GENERATED)

# In bytes: 1.5 and 4 MiB.
size:
	@packaging/size.sh $(HELPER) 1572864
	@packaging/size.sh target/release/unhang 4194304

# The one list of what is installed where: the packages are made from what this installs.
# Builds nothing: run 'make build' before.
install:
	install -Dm755 target/release/unhang $(DESTDIR)$(prefix)/bin/unhang
	install -Dm755 $(HELPER) $(DESTDIR)$(udevdir)/unhang
	install -Dm755 $(WATCHER) $(DESTDIR)$(prefix)/lib/unhang/unhang-watch
	install -Dm644 udev-rules/85-unhang.rules $(DESTDIR)$(udevdir)/rules.d/85-unhang.rules
	install -Dm644 rules/10-e1000e.toml $(DESTDIR)$(prefix)/lib/unhang/rules.d/10-e1000e.toml
	install -d $(DESTDIR)$(prefix)/lib/systemd/system
	sed 's|/usr/lib/unhang|$(prefix)/lib/unhang|' packaging/systemd/unhang-watch.service \
		>$(DESTDIR)$(prefix)/lib/systemd/system/unhang-watch.service
	chmod 644 $(DESTDIR)$(prefix)/lib/systemd/system/unhang-watch.service
	sed 's|/usr/bin/unhang|$(prefix)/bin/unhang|' packaging/systemd/unhang-metrics.service \
		>$(DESTDIR)$(prefix)/lib/systemd/system/unhang-metrics.service
	chmod 644 $(DESTDIR)$(prefix)/lib/systemd/system/unhang-metrics.service
	install -Dm644 packaging/systemd/unhang-metrics.timer -t $(DESTDIR)$(prefix)/lib/systemd/system
	install -Dm644 packaging/prometheus/unhang.rules.yml -t $(DESTDIR)$(prefix)/share/doc/unhang/prometheus
	install -Dm644 $(GENERATED)/unhang.8 $(DESTDIR)$(prefix)/share/man/man8/unhang.8
	install -Dm644 packaging/man/unhang-generate.8 -t $(DESTDIR)$(prefix)/share/man/man8
	install -Dm644 packaging/man/unhang-watch.service.8 -t $(DESTDIR)$(prefix)/share/man/man8
	install -Dm644 packaging/man/unhang-rules.5 -t $(DESTDIR)$(prefix)/share/man/man5
	install -Dm644 $(GENERATED)/unhang.bash $(DESTDIR)$(prefix)/share/bash-completion/completions/unhang
	install -Dm644 $(GENERATED)/_unhang $(DESTDIR)$(zshdir)/_unhang
	install -Dm644 $(GENERATED)/unhang.fish -t $(DESTDIR)$(prefix)/share/fish/vendor_completions.d
	for state in carrier degraded routable; do \
		install -Dm755 networkd/unhang $(DESTDIR)/usr/lib/networkd-dispatcher/$$state.d/50-unhang || exit; done
	install -Dm755 packaging/initramfs-tools/unhang -t $(DESTDIR)/usr/share/initramfs-tools/hooks
	install -Dm755 packaging/dracut/module-setup.sh -t $(DESTDIR)/usr/lib/dracut/modules.d/30unhang
	install -Dm644 README.md -t $(DESTDIR)$(prefix)/share/doc/unhang
	[ -z "$(licensedir)" ] || install -Dm644 LICENSE-APACHE LICENSE-MIT -t $(DESTDIR)$(licensedir)

deb: build
	tests/setup.sh deb
	rm -rf $(PACKAGES)/*.deb target/stage/deb
	mkdir -p $(PACKAGES)
	$(MAKE) --no-print-directory install DESTDIR=target/stage/deb licensedir= \
		zshdir=/usr/share/zsh/vendor-completions >/dev/null
	mkdir -p target/stage/deb/usr/share/lintian/overrides
	cp packaging/deb/lintian-overrides target/stage/deb/usr/share/lintian/overrides/unhang
	cargo deb --no-build --locked --output $(PACKAGES)/

# What an upgrade is tested with: the same files as an older version.
old-deb:
	mkdir -p target/old
	cargo deb --no-build --locked --deb-version 0.0.9-1 --output target/old/unhang.deb

# initramfs-tools is Debian's.
rpm: build
	tests/setup.sh rpm
	rm -rf $(PACKAGES)/*.rpm target/stage/rpm
	mkdir -p $(PACKAGES)
	$(MAKE) --no-print-directory install DESTDIR=target/stage/rpm >/dev/null
	rm -r target/stage/rpm/usr/share/initramfs-tools
	gzip -9n target/stage/rpm/usr/share/man/man*/*
	packaging/rpm/assets.sh target/stage/rpm >target/rpm-assets.toml
	cargo generate-rpm --metadata-overwrite target/rpm-assets.toml --output $(PACKAGES)/

check:
	tests/setup.sh build check
	tests/run.sh check

test:
	tests/setup.sh build check deb rpm package test guest
	tests/run.sh all

test-matrix:
	tests/setup.sh build deb rpm guest
	$(MAKE) --no-print-directory deb old-deb rpm
	packaging/test-reproducible.sh
	tests/matrix.sh

demo:
	tests/setup.sh build deb guest
	$(MAKE) deb
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" cargo test --locked --quiet --test demo

bench:
	tests/setup.sh build bench deb guest
	$(MAKE) deb
	benches/run.sh
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" benches/watch.sh

clean:
	cargo clean
