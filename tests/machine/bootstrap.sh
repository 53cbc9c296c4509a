# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What ./run and ./test do before Python is known to exist: see that the
# [host] packages of packages.txt are installed, then hand over. Sourced with
# $paravane set to the repository root. With all packages present this costs
# one dpkg-query.

say() {
	printf 'paravane: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

host_packages() {
	sed -e 's/#.*//' "$paravane/tests/machine/packages.txt" |
		awk '/^\[/ { wanted = ($1 == "[host]"); next } wanted && NF { print $1 }'
}

# Packages of the list that dpkg does not call installed, on one line.
missing_packages() {
	wanted=$(host_packages)
	# shellcheck disable=SC2086 # one word per package
	installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		sed -n 's/^installed //p')
	printf '%s\n' "$wanted" | while read -r name; do
		printf '%s\n' "$installed" | grep -qx -- "$name" || printf '%s ' "$name"
	done
}

may_use_sudo() {
	command -v sudo >/dev/null || return 1
	[ "${PARAVANE_YES:-}" = 1 ] && return 0
	[ -t 0 ] && [ -t 2 ] || return 1
	say "sudo is needed once, to install these Debian packages (build tools and QEMU):"
	say "  $1"
	printf 'paravane: may I run "sudo apt-get install" for them? [y/N] ' >&2
	read -r answer
	case $answer in [yY]*) return 0 ;; *) return 1 ;; esac
}

apt_get() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0 "$@" >&2
}

install_packages() {
	as_root=
	if [ "$(id -u)" != 0 ]; then
		may_use_sudo "$1" ||
			die "these Debian packages are missing: ${1% }; install them as root (apt-get install ${1% }) and start again."
		as_root=sudo
	fi
	say "installing Debian packages: $1"
	apt_get update || say "apt-get update failed; trying with the package lists at hand"
	# shellcheck disable=SC2086 # one word per package
	apt_get install -y --no-install-recommends $1 ||
		die "apt-get could not install: ${1% }; its own messages are above. Is the network there, and is this Debian 12?"
}

ensure_packages() {
	command -v dpkg-query >/dev/null ||
		die "this is not a Debian system (no dpkg-query); Paravane's development machine is Debian 12."
	missing=$(missing_packages)
	[ -z "$missing" ] || install_packages "$missing"
}

start_python() {
	ensure_packages
	PYTHONPATH=$paravane/tests PYTHONPYCACHEPREFIX=$paravane/build/pycache
	export PYTHONPATH PYTHONPYCACHEPREFIX
	exec /usr/bin/python3 -m machine "$@"
}
