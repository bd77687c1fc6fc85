#!/bin/sh
# start-user-manager.sh DIRECTORY UID: as root, makes name spaces in which the service manager of an ordinary user runs, who
# has a copy of DIRECTORY as his home and no privileges. They share the files and the network of this machine. All ends with
# this process; then its control group, whose directory is printed, is left to be removed.
set -eu

if [ "$#" = 2 ]; then
    tree=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
    # Without one systemd would start and hang.
    [ -n "$tree" ] || { echo "no cgroup2 file system is mounted" >&2; exit 1; }
    group=$tree$(sed -n 's/^0:://p' /proc/self/cgroup)/wormholed-test-$$
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
    echo "$group"
    exec unshare --mount --pid --cgroup --fork --kill-child sh "$0" "$@" inside
fi

user=$2 home=/run/home runtime=/run/user/$2
mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
# The last of these is made for the first service of a machine that has name spaces.
mkdir -p /run/systemd/system "$runtime" /sys/fs/cgroup/user /run/systemd/unit-root
cp -R "$1" "$home"
# What a manager that is killed leaves there goes with its name spaces.
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var/tmp
chmod 700 "$home" "$runtime"
chown -R "$user:$user" "$home" "$runtime" /sys/fs/cgroup/user
echo $$ >/sys/fs/cgroup/user/cgroup.procs
cd "$home"
# As process 1 it would take itself for the manager of a machine.
setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all --bounding-set=-all \
    env -i PATH="$PATH" HOME="$home" XDG_RUNTIME_DIR="$runtime" LC_ALL=C.UTF-8 \
    /lib/systemd/systemd --user --log-target=null &
wait
