#!/bin/bash
# run.sh DIRECTORY: the Debian packages in this directory are installed, used, upgraded and purged in a system of their own
# (tests/package/inside.sh), which debootstrap makes for this. The last line is "N passed, N failed".
#   WORMHOLED_PACKAGE_BEFORE  a directory of packages of an older version; otherwise ours, with a smaller version number
#   WORMHOLED_MIRROR          where Debian's packages come from
set -eu -o pipefail

skip() {
    echo "skipped: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

packages=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
mirror=${WORMHOLED_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || skip "only root can make a system to install packages in"
command -v debootstrap >/dev/null || skip "no debootstrap"
[ -e "/usr/share/debootstrap/scripts/$suite" ] || skip "debootstrap does not know this system, \"$suite\""

work=$(mktemp -d "${TMPDIR:-/var/tmp}/packages.XXXXXX")
root=$work/root
leave() {
    local process
    # What still runs in there is ours. Only then may it be removed.
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" 2>/dev/null)" != "$root" ] || kill -KILL "${process#/proc/}" 2>/dev/null || true
    done
    if mountpoint -q "$root/proc"; then umount -l "$root/proc"; fi
    rm -rf --one-file-system "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

echo "debootstrap $suite"
if ! debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$work/log" 2>&1; then
    tail -n 20 "$work/log"
    skip "debootstrap failed: no mirror within reach, or a container that may not make devices"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
cat /etc/apt/apt.conf.d/*proxy* >"$root/etc/apt/apt.conf.d/90proxy" 2>/dev/null || true
# Services are not started, as in any system that is not running.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# Containers may forbid it; it is for what asks for its own processes only.
mount -t proc proc "$root/proc" 2>/dev/null || true

mkdir "$root/new" "$root/old" "$root/package-tests"
cp "$packages"/*.deb "$root/new"
cp "$here/inside.sh" "$here"/../../debian/tests/* "$root/package-tests"
if [ -n "${WORMHOLED_PACKAGE_BEFORE:-}" ]; then
    cp "$WORMHOLED_PACKAGE_BEFORE"/*.deb "$root/old"
else
    # Our own as they may have been: an older number, and a configuration file that said less.
    for package in "$root"/new/*.deb; do
        case $package in *-dbgsym_*) rm "$package"; continue ;; esac
        dpkg-deb -R "$package" "$work/package"
        sed -i -E 's/^(Version: .*)/\1~before/; s/\(= ([^)]*)\)/(= \1~before)/' "$work/package/DEBIAN/control"
        if [ -e "$work/package/etc/wormhole-relayd.conf" ]; then
            sed -i 1d "$work/package/etc/wormhole-relayd.conf"
            (cd "$work/package" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
        fi
        dpkg-deb --root-owner-group -b "$work/package" "$root/old" >/dev/null
        rm -rf "$work/package"
    done
fi

exec 3>&1
status=0
timeout -k 10 900 chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy+"http_proxy=$http_proxy"} ${https_proxy+"https_proxy=$https_proxy"} \
    sh /package-tests/inside.sh </dev/null || status=$?
exit "$status"
