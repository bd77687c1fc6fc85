# Makes the manual page libwormclient(3) from the comments and declarations of wormclient.h:
#     awk -f make-manual.awk wormclient.h >libwormclient.3
#
# What it relies on: the header begins with a comment that describes the whole, whose paragraphs may begin with a title in
# capitals and a full stop, and whose code is indented by five columns. Sections begin with /* ---- name ---- */. Each
# comment in the first column describes the declarations that follow it, up to an empty line.

BEGIN {
    print ".\\\" Made from libclient/wormclient.h by libclient/make-manual.awk: do not edit."
    print ".Dd November 29, 2026"
    print ".Dt LIBWORMCLIENT 3"
    print ".Os"
    state = "before"
}

# ---- text ----

function escape(text) {
    gsub(/\\/, "\\e", text)
    return text
}

# Prose: names of functions, constants and literals stand out, and no line is taken for a request.
function prose(text,    out, start, length_) {
    text = escape(text)
    while (match(text, /`[^`]+`/)) {
        start = RSTART
        length_ = RLENGTH
        out = out names(substr(text, 1, start - 1)) "\\fB" substr(text, start + 1, length_ - 2) "\\fR"
        text = substr(text, start + length_)
    }
    text = out names(text)
    gsub(/ --? /, " \\(en ", text)
    return text
}

function names(text,    out, word) {
    while (match(text, /(wormclient_[a-z_]+(\(\))?)|(WORMCLIENT_[A-Z_0-9]+)/)) {
        word = substr(text, RSTART, RLENGTH)
        out = out substr(text, 1, RSTART - 1) "\\fB" word "\\fR"
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

function code(text) {
    text = escape(text)
    gsub(/-/, "\\-", text)
    return text ~ /^['.]/ ? "\\&" text : text
}

# Sentences begin on lines of their own, as manual pages have it.
function print_prose(text,    end) {
    gsub(/  +/, " ", text)
    sub(/ +$/, "", text)
    while (match(text, /[A-Za-z0-9)"`*][.:] [A-Z"$`]/)) {
        end = RSTART + 1
        wrap(prose(substr(text, 1, end)))
        text = substr(text, end + 2)
    }
    if (text != "")
        wrap(prose(text))
}

function wrap(text,    end) {
    while (length(text) > 79) {
        for (end = 79; end > 1 && substr(text, end, 1) != " "; end--)
            ;
        if (end <= 1)
            break
        print request_free(substr(text, 1, end - 1))
        text = substr(text, end + 1)
    }
    print request_free(text)
}

function request_free(text) {
    return text ~ /^['.]/ ? "\\&" text : text
}

function title(text) {
    return substr(text, 1, 1) tolower(substr(text, 2))
}

# ---- paragraphs ----

function flush_paragraph(    end) {
    if (paragraph == "")
        return
    if (match(paragraph, /^[A-Z][A-Z, ]+[A-Z]\. /)) {
        end = RLENGTH
        print ".Ss " title(substr(paragraph, 1, end - 2))
        paragraph = substr(paragraph, end + 1)
    } else if (!fresh) {
        print ".Pp"
    }
    print_prose(paragraph)
    paragraph = ""
    fresh = 0
}

function end_code() {
    if (in_code)
        print ".Ed"
    in_code = 0
    pending = ""
}

# A line of a comment, without what makes it one.
function comment_line(text) {
    if (text ~ /^     / || (in_code && text == "")) {
        if (text == "") {
            pending = pending "\n"
            return
        }
        flush_paragraph()
        if (!in_code)
            print ".Bd -literal -offset indent"
        in_code = 1
        printf "%s", pending
        pending = ""
        print code(substr(text, 6))
        return
    }
    end_code()
    sub(/^ */, "", text)
    if (text == "")
        flush_paragraph()
    else
        paragraph = paragraph (paragraph == "" ? "" : " ") text
}

function end_comment() {
    end_code()
    flush_paragraph()
}

# ---- declarations ----

function plain(text) {
    gsub(/ *WORMCLIENT_(NONNULL|NEW|SETS)\([^()]*\)/, "", text)
    gsub(/ *WORMCLIENT_MUST_USE/, "", text)
    return text
}

# The comment was kept back: the declarations come first.
function flush_entry(    since) {
    if (declarations != "") {
        sub(/\n+$/, "", declarations)
        print ".Bd -literal"
        print declarations
        print ".Ed"
        fresh = 0
    }
    if (kept != "") {
        since = ""
        if (match(kept, /@since [0-9.]+/)) {
            since = substr(kept, RSTART + 7, RLENGTH - 7)
            kept = substr(kept, 1, RSTART - 1) substr(kept, RSTART + RLENGTH)
        }
        n = split(kept, lines, "\n")
        for (i = 1; i <= n; i++)
            comment_line(lines[i])
        end_comment()
        if (since != "")
            print "(Since " since ".)"
    }
    declarations = kept = ""
}

# ---- the header ----

state == "before" && /^\/\*/ { state = "whole"; next }
state == "whole" && /^ \* wormclient\.h - / {
    description = $0
    sub(/.* - /, "", description)
    sub(/\.$/, "", description)
    print ".Sh NAME"
    print ".Nm libwormclient"
    print ".Nd " description
    print ".Sh SYNOPSIS"
    print ".In wormclient.h"
    print ".Pp"
    print ".Dl cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs wormclient)"
    print ".Sh DESCRIPTION"
    fresh = 1
    next
}
state == "whole" && /^ \*\// { end_comment(); state = "skip"; next }
state == "whole" { text = $0; sub(/^ \*/, "", text); comment_line(text); next }

/^\/\* ---- .* ---- \*\/$/ {
    flush_entry()
    if (state == "skip")
        print ".Sh INTERFACE"
    text = $0
    sub(/^\/\* ---- /, "", text)
    sub(/ ---- \*\/$/, "", text)
    print ".Ss " toupper(substr(text, 1, 1)) substr(text, 2)
    fresh = 1
    state = "section"
    next
}
state == "skip" { next }
/^#ifdef __cplusplus/ { flush_entry(); state = "done" }
state == "done" { next }

# A comment in the first column; it ends on a line that ends so.
/^\/\*/ || in_comment {
    if (!in_comment)
        flush_entry()
    text = $0
    sub(/^\/\*/, "", text)
    sub(/^ \*/, "", text)
    in_comment = text !~ /\*\/$/ && text !~ /^\/$/
    sub(/ *\*?\/$/, "", text)
    kept = kept (kept == "" ? "" : "\n") text
    next
}
/^$/ { flush_entry(); next }
{
    # The continuation lines of macros and of declarations are part of it.
    text = $0
    sub(/ *\\$/, " \\", text)
    text = plain(text)
    if (text ~ /^ *;?$/) {
        # Nothing but attributes: the semicolon belongs to the line before.
        sub(/\n$/, ";\n", declarations)
        next
    }
    declarations = declarations code(text) "\n"
}

END {
    flush_entry()
    print ".Sh SEE ALSO"
    print ".Xr wormctl 1 ,"
    print ".Xr wormholed 8"
}
