# WD_REQUIRE_MODULES(VARIABLE-PREFIX, MODULES, DEBIAN-PACKAGE, [OTHER-MODULES])
# pkg-config MODULES, or OTHER-MODULES where the first are unknown; else an error that names what to install.
AC_DEFUN([WD_REQUIRE_MODULES], [
    PKG_CHECK_MODULES([$1], [$2], [], [
        m4_ifval([$4],
            [PKG_CHECK_MODULES([$1], [$4], [], [WD_MISSING([$2], [$3])])],
            [WD_MISSING([$2], [$3])])
    ])
])

# WD_REQUIRE_LIBRARY(VARIABLE-PREFIX, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE)
# For libraries that come without a .pc file.
AC_DEFUN([WD_REQUIRE_LIBRARY], [
    AC_CHECK_HEADER([$2], [], [WD_MISSING([$2], [$5])])
    AC_CHECK_LIB([$3], [$4], [$1_LIBS="-l$3"], [WD_MISSING([lib$3], [$5])])
    AC_SUBST([$1_CFLAGS])
    AC_SUBST([$1_LIBS])
])

# WD_MISSING(WHAT, DEBIAN-PACKAGE)
AC_DEFUN([WD_MISSING], [AC_MSG_ERROR([$1 was not found; on Debian: apt-get install $2])])

# WD_ADD_CFLAG(VARIABLE, FLAGS)
# Appends FLAGS to VARIABLE if the compiler takes them without a word. Probed with the user's own flags, for
# these can contradict ours: fortification without optimisation is a warning in every file.
AC_DEFUN([WD_ADD_CFLAG], [
    AC_MSG_CHECKING([whether $CC takes $2])
    wd_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdlib.h>]], [[]])],
        [$1="$$1 $2"; AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])])
    CFLAGS=$wd_saved_CFLAGS
])
