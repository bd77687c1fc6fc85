#!/bin/sh
# boot-machine.sh DIRECTORY: as root, makes a machine of name spaces and boots it with systemd, which knows only the units
# in /run/machine, a copy of DIRECTORY. It shares the files of this machine, but cannot change them: it writes to memory.
# It ends with this process; then its control group, whose directory is printed, is left to be removed.
set -eu

if [ "$#" = 1 ]; then
    tree=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
    # Without one systemd would start and hang.
    [ -n "$tree" ] || { echo "no cgroup2 file system is mounted" >&2; exit 1; }
    group=$tree$(sed -n 's/^0:://p' /proc/self/cgroup)/wormholed-test-$$
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
    echo "$group"
    exec unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child sh "$0" "$@" inside
fi

mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /dev/null /dev/console
mount -t tmpfs tmpfs /run
cp -R "$1" /run/machine
for place in /tmp /var/lib /var/log /var/tmp; do
    mount -t tmpfs tmpfs "$place"
done
mount --bind /proc/sys /proc/sys
for place in / /dev /proc/sys /sys; do
    mount -o remount,bind,ro "$place"
done

# What units depend on if they do not say otherwise.
for target in basic default multi-user network shutdown sockets sysinit; do
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" >"/run/machine/$target.target"
done
export container=test SYSTEMD_UNIT_PATH=/run/machine
exec /lib/systemd/systemd --system --log-target=null
