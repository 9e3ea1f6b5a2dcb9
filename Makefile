# make help lists what there is.

SHELL := /bin/sh
HOST = $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
# The helper's C library is musl where Rust has it, whose programs start faster and are smaller.
MUSL = $(subst -gnu,-musl,$(HOST))
HELPER_TARGET = $(if $(wildcard $(shell rustc --print target-libdir --target $(MUSL) 2>/dev/null)),$(MUSL),$(HOST))
VERSION := $(shell sed -n '/^version/s/.*"\(.*\)"/\1/p' Cargo.toml | head -n 1)
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
HELPER := $(TARGET)/helper/unhang-helper
WATCHER := $(TARGET)/watcher/unhang-watch
GENERATED := $(TARGET)/generated
PACKAGES := target/packages
# The folder from which packages are built.
STAGE := $(PACKAGES)/unhang-$(VERSION)

# For 'make install'. udev and initramfs tools look nowhere but below /usr.
prefix := /usr
udevdir := /usr/lib/udev
zshdir := $(prefix)/share/zsh/site-functions
licensedir := $(prefix)/share/licenses/unhang
DESTDIR :=

# The same source gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || \
	date -d "$$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -n 1)" +%s)
CARGO_HOME ?= $(HOME)/.cargo
FLAGS := $(RUSTFLAGS) --remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(CURDIR)=/unhang

.PHONY: help demo test check build helper two-exchanges watcher generated install unit deb rpm dist old-deb \
	old-rpm test-bare test-offline test-bench test-fleet test-matrix demo-fleet bench clean

help:
	@echo "make demo    see it work in a guest with a real e1000e NIC, as a person would"
	@echo "make test    everything: format, lints, unit tests, network namespaces, fake udev, packages, guests"
	@echo
	@echo "make check   the daily round: what needs neither root nor a guest"
	@echo "make deb     build the Debian package into $(PACKAGES)/"
	@echo "make rpm     build the RPM package into $(PACKAGES)/"
	@echo "make dist    $(PACKAGES)/unhang-$(VERSION).tar.xz: the sources with all crates, to build without network"
	@echo "make build   build what 'make install' installs"
	@echo "make install DESTDIR= prefix=/usr   see packaging/README.md"
	@echo "make demo-fleet  three guests: rolled out by Ansible, watched by Prometheus, and one of them hangs"
	@echo "make bench   measure it against ethtool, and look whether it kept its size"
	@echo "make test-bare     'Try it' in the README, to the demo's end, in three Debians that have nothing"
	@echo "make test-offline  packages from the tarball of make dist, without network"
	@echo "make test-bench    that make bench can be run in a Debian that has nothing"
	@echo "make test-fleet    the Ansible role over ssh, in two guests"
	@echo "make test-matrix   what an owner relies on, in every Debian; writes the table in README.md"

build: helper watcher generated
	RUSTFLAGS="$(FLAGS)" cargo build --locked --release

# Static, so that it starts fast and works where no library is: in an initramfs; and at a fixed
# address, which spares it to relocate itself. With --target, the flags are not used for build
# scripts and procedural macros, which can't be static.
BUILD_STATIC = RUSTFLAGS="$(FLAGS) -C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--no-eh-frame-hdr" \
	cargo build --locked --release --no-default-features --target $(HELPER_TARGET)

helper:
	$(BUILD_STATIC) --bin unhang-helper
	mkdir -p $(dir $(HELPER))
	cp $(TARGET)/$(HELPER_TARGET)/release/unhang-helper $(HELPER)

# The least that could be done for a NIC, which 'make bench' holds the helper against.
two-exchanges:
	$(BUILD_STATIC) --example two-exchanges
	mkdir -p $(dir $(HELPER))
	cp $(TARGET)/$(HELPER_TARGET)/release/examples/two-exchanges $(dir $(HELPER))

watcher:
	RUSTFLAGS="$(FLAGS)" cargo build --locked --release --no-default-features --features watch --bin unhang-watch
	mkdir -p $(dir $(WATCHER))
	cp $(TARGET)/release/unhang-watch $(WATCHER)

# unhang(8) and the completions, from the command line's definition.
generated:
	cargo run --locked --features gen --bin unhang-gen -- "$$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)" $(GENERATED)

# The one list of what is installed where: the packages are made from what this installs.
# Builds nothing: run 'make build' before.
install:
	install -Dm755 $(TARGET)/release/unhang $(DESTDIR)$(prefix)/bin/unhang
	install -Dm755 $(HELPER) $(DESTDIR)$(udevdir)/unhang
	install -Dm755 $(WATCHER) $(DESTDIR)$(prefix)/lib/unhang/unhang-watch
	install -Dm644 udev-rules/85-unhang.rules $(DESTDIR)$(udevdir)/rules.d/85-unhang.rules
	install -Dm644 rules/10-e1000e.toml $(DESTDIR)$(prefix)/lib/unhang/rules.d/10-e1000e.toml
	install -d $(DESTDIR)$(prefix)/lib/systemd/system
	sed 's|/usr/lib/unhang|$(prefix)/lib/unhang|' packaging/systemd/unhang-watch.service \
		>$(DESTDIR)$(prefix)/lib/systemd/system/unhang-watch.service
	chmod 644 $(DESTDIR)$(prefix)/lib/systemd/system/unhang-watch.service
	for unit in unhang-metrics.service unhang-notify.service; do \
		sed 's|/usr/bin/unhang|$(prefix)/bin/unhang|' packaging/systemd/$$unit \
			>$(DESTDIR)$(prefix)/lib/systemd/system/$$unit || exit; \
		chmod 644 $(DESTDIR)$(prefix)/lib/systemd/system/$$unit || exit; done
	install -Dm644 packaging/systemd/unhang-metrics.timer packaging/systemd/unhang-notify.path \
		-t $(DESTDIR)$(prefix)/lib/systemd/system
	install -Dm644 packaging/notify/mail packaging/notify/webhook -t $(DESTDIR)$(prefix)/share/doc/unhang/notify
	install -Dm644 packaging/prometheus/unhang.rules.yml packaging/prometheus/runbook.md \
		packaging/prometheus/dashboard.json -t $(DESTDIR)$(prefix)/share/doc/unhang/prometheus
	install -Dm644 packaging/node-problem-detector/* -t $(DESTDIR)$(prefix)/share/doc/unhang/node-problem-detector
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

# For a distribution's build: what needs no more than Rust.
unit:
	cargo test --locked --quiet --lib --test fake_kernel --test log --test shipped_rules --test udev_event \
		--test cases --test commands --test generate --test report_cases

# Built as a distribution does. That the user's Rust is no package of this machine's (-d, --nodeps) is no matter,
# and the tests are run by 'make test'.
deb:
	tests/setup.sh build deb
	packaging/stage.sh $(STAGE)
	rm -f $(PACKAGES)/unhang_*
	cp -r packaging/debian $(STAGE)
	cd $(STAGE) && CARGO_TARGET_DIR=$(TARGET) DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -nc -us -uc -d

# The same source gives the same bytes: see packaging/README.md. The second names are those of rpm 4.20.
RPMBUILD := rpmbuild --build-in-place --nodeps --nocheck \
	--define "_topdir $(CURDIR)/$(PACKAGES)/rpmbuild" --define "_rpmdir $(CURDIR)/$(PACKAGES)" \
	--define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
	--define "packager unhang developers <unhang@example.org>" --define "_buildhost localhost" \
	--define "use_source_date_epoch_as_buildtime 1" \
	--define "clamp_mtime_to_source_date_epoch 1" --define "build_mtime_policy clamp_to_source_date_epoch"
rpm:
	tests/setup.sh build rpm
	packaging/stage.sh $(STAGE)
	rm -f $(PACKAGES)/unhang-*.rpm
	cd $(STAGE) && CARGO_TARGET_DIR=$(TARGET) $(RPMBUILD) -bb packaging/rpm/unhang.spec

dist:
	tests/setup.sh build
	packaging/stage.sh target/dist/unhang-$(VERSION)
	packaging/vendor.sh target/dist/unhang-$(VERSION)
	mkdir -p $(PACKAGES)
	tar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
		-C target/dist -cJf $(PACKAGES)/unhang-$(VERSION).tar.xz unhang-$(VERSION)

# What an upgrade is tested with: the same files as an older version.
OLD := $(CURDIR)/target/old
old-deb:
	rm -rf $(OLD)/deb
	mkdir -p $(OLD)
	dpkg-deb -R $(PACKAGES)/unhang_*.deb $(OLD)/deb
	sed -i 's/^Version: .*/Version: 0.0.9-1/' $(OLD)/deb/DEBIAN/control
	dpkg-deb --root-owner-group -b $(OLD)/deb $(OLD)/unhang.deb

old-rpm:
	mkdir -p $(OLD)
	sed '/^Version:/s/[0-9.]*$$/0.0.9/; /^%changelog/,$$d' packaging/rpm/unhang.spec >$(OLD)/unhang.spec
	cd $(STAGE) && CARGO_TARGET_DIR=$(TARGET) $(RPMBUILD) --define "_rpmdir $(OLD)" --define "_rpmfilename unhang.rpm" \
		-bb $(OLD)/unhang.spec

check:
	tests/setup.sh build check
	tests/run.sh check

test:
	tests/setup.sh build check deb rpm package test ansible guest
	tests/run.sh all

test-bare:
	tests/bare.sh --again trixie
	tests/bare.sh --user forky
	tests/bare.sh bookworm
	tests/polite.sh

# As a distribution's builder does: Debian's own Rust, no network, nothing that cargo has downloaded.
test-offline:
	tests/bare.sh trixie "tests/setup.sh build deb rpm" "apt-get -qq -y install build-essential >/dev/null" "make dist" \
		"env HOME=/tmp CARGO_HOME=/tmp/cargo unshare --net packaging/from-tarball.sh target/packages/*.tar.xz target/built"

# That it can be run; how fast it is there is for 'make bench' on a machine that does nothing else.
test-bench:
	tests/bare.sh trixie "tests/setup.sh build bench deb" "make build two-exchanges" "benches/run.sh 4"

test-matrix: test-bare test-offline test-bench
	tests/setup.sh build deb rpm guest
	packaging/test-reproducible.sh
	cargo test --locked --profile calibration --test fleet_calibration -- --ignored large
	$(MAKE) --no-print-directory deb
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" UNHANG_VM_SCENARIOS=$(CURDIR)/tests/vm/long cargo test --locked --test vm
	tests/matrix.sh
	$(MAKE) --no-print-directory test-fleet

FLEET = UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" cargo test --locked --test fleet --
test-fleet:
	tests/setup.sh build deb guest fleet
	$(MAKE) --no-print-directory deb
	$(FLEET) tests/vm/fleet/role.sh

demo-fleet:
	tests/setup.sh build deb guest fleet
	$(MAKE) --no-print-directory deb
	$(FLEET) tests/vm/fleet/demo.sh

demo:
	tests/setup.sh build deb guest
	$(MAKE) --no-print-directory deb
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" cargo test --locked --test demo

bench:
	tests/setup.sh build bench deb guest
	$(MAKE) --no-print-directory deb two-exchanges
	benches/run.sh
	UNHANG_DEB="$$(ls $(CURDIR)/$(PACKAGES)/unhang_*.deb)" benches/watch.sh

clean:
	cargo clean
