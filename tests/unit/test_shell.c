/* SPDX-License-Identifier: MIT
 * test_shell.c - the checks of shell scripts find what they are meant to find, and
 * nothing in valid scripts: quotes, comments, here-documents, programs in other
 * languages.
 *
 * Each row is a script and what is reported about it: lines "CODE: TEXT", by place. All
 * run with LF and with CR LF, and every prefix of each runs for the sake of ASan.
 */
/* links: check base */
#include <string.h>

#include "base/vec.h"
#include "frontend/check/script_lint.h"
#include "frontend/shell/shell_scan.h"
#include "tests/fake/cmocka_all.h"

#define B "bashism: "
#define H "unfinished-here-document: "
#define T "host-tmp: "

struct row {
	const char *script, *findings;
};

struct seen {
	VEC(struct script_finding) findings;
	struct buf messages;
	struct str text;
};

/* ---- running ---- */

static void note(void *context, const struct script_finding *finding)
{
	struct seen *seen = context;
	struct str all = seen->text, at = finding->at, where = finding->note_at;

	/* Places are in the text; texts are complete. */
	assert_true(at.len > 0 && at.data >= all.data &&
		    at.data + at.len <= all.data + all.len);
	assert_true(where.len == 0 || (where.data >= all.data &&
				       where.data + where.len <= all.data + all.len));
	assert_int_equal(where.len > 0, finding->note != NULL);
	assert_true(finding->message[0] && !str_ends_with(str_of(finding->message), "."));
	buf_printf(&seen->messages, "%s\n", finding->message);
	vec_push(&seen->findings, *finding);
}

static int by_place(const void *a, const void *b)
{
	const struct script_finding *x = a, *y = b;

	return x->at.data < y->at.data ? -1 : x->at.data > y->at.data;
}

static void seen_release(struct seen *seen)
{
	vec_free(&seen->findings);
	buf_release(&seen->messages);
}

/* A copy of exactly its size, so that reading past its end is noticed. */
static void run(struct script_text script, struct seen *seen)
{
	seen->text = script.text;
	script_lint(&script, note, seen);
	if (seen->findings.len > 1)
		qsort(seen->findings.items, seen->findings.len,
		      sizeof(seen->findings.items[0]), by_place);
}

static void render(const struct seen *seen, struct buf *out)
{
	for (size_t i = 0; i < seen->findings.len; i++) {
		const struct script_finding *f = &seen->findings.items[i];

		buf_printf(out, "%s: %.*s\n", f->code, STR_ARG(f->at));
	}
}

static void check_text(struct script_text script, struct str text, const char *findings)
{
	CLEANUP(seen_release) struct seen seen = {0};
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	script.text = text;
	run(script, &seen);
	render(&seen, &out);
	if (strcmp(buf_text(&out), findings) != 0)
		print_error("of the script:\n%.*s\n", STR_ARG(text));
	assert_string_equal(buf_text(&out), findings);
}

static void with_crlf(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_putc(out, '\r');
		buf_putc(out, *text);
	}
}

static void check_row(struct script_text script, const struct row *row)
{
	CLEANUP(buf_release) struct buf crlf = BUF_INIT;
	size_t len = strlen(row->script);

	check_text(script, str_of(row->script), row->findings);
	with_crlf(row->script, &crlf);
	check_text(script, str_make(buf_text(&crlf), crlf.len), row->findings);
	for (size_t n = 0; n < len; n++) {
		CLEANUP(freep) char *part = xmalloc(n > 0 ? n : 1);
		CLEANUP(seen_release) struct seen seen = {0};

		memcpy(part, row->script, n);
		script.text = str_make(part, n);
		run(script, &seen);
		shell_sets_errexit(script.text);
	}
}

static void check_rows(struct script_text script, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(script, &rows[i]);
}

/* ---- bashisms ---- */

static const struct row bashisms[] = {
	{"[[ -f x ]] && echo y\n", B "[[\n"},
	{"if [ a = b ]; then :; elif [[ $a =~ ^(x|y)$ && -n $b ]]; then :; fi\n",
	 B "[[\n"},
	{"function install_it {\n make\n}\n", B "function\n"},
	{"function f() { :; }\n", B "function\n"},
	{"source /opt/conda/bin/activate\n", B "source\n"},
	{"cd x && source env.sh\n", B "source\n"},
	{"if true; then source a; fi\n", B "source\n"},
	{"A=b source a\n", B "source\n"},
	{"case $x in a) source b ;; esac\n", B "source\n"},
	{"( source a )\n", B "source\n"},
	{"x=$(source a; env)\n", B "source\n"},
	{"echo \"`source a`\"\n", B "source\n"},
	{"! source a\n", B "source\n"},
	{"{ source a; }\n", B "source\n"},
	{"while :; do source a; done\n", B "source\n"},
	{"packages=(gcc \"make\" # a comment (\n  'cmake')\n", B "packages=(\n"},
	{"packages+=(gcc)\n", B "packages+=(\n"},
	{"export x=(a)\n", B "x=(\n"},
	{"FLAGS+=\" -O2\"\n", B "FLAGS+=\" -O2\"\n"},
	{"diff <(sort a) <(sort b)\n", B "<(\n"},
	{"make > >(tee log)\n", B ">(\n"},
	{"make &> log\n", B "&>\n"},
	{"make &>> log\n", B "&>>\n"},
	{"make |& tee log\n", B "|&\n"},
	{"grep a <<< \"$b\"\n", B "<<<\n"},
	{"printf $'a\\'b\\n'\n", B "$'a\\'b\\n'\n"},
	{"[ \"$a\" == b ]\n", B "==\n"},
	{"if test a == b; then :; fi\n", B "==\n"},
	{"pushd /opt\nmake\npopd\n", B "pushd\n"},
	{"declare -x A=b\n", B "declare\n"},
	{"typeset a=1\n", B "typeset\n"},
	{"let i=i+1\n", B "let\n"},
	{"shopt -s nullglob\n", B "shopt\n"},
	{"select x in a b; do :; done\n", B "select\n"},
	{"(( i++ ))\n", B "(( i++ ))\n"},
	{"((i < (a + 2) * 3)) && echo\n", B "((i < (a + 2) * 3))\n"},
	{"for ((i = 0; i < 3; i++)); do :; done\n", B "((i = 0; i < 3; i++))\n"},
	{"echo ${a//\\//_}\n", B "${a//\\//_}\n"},
	{"echo \"${a/x/y}\"\n", B "${a/x/y}\n"},
	{"echo ${a:0:3} ${1:1}\n", B "${a:0:3}\n"},
	{"echo ${a: -3}\n", B "${a: -3}\n"},
	{"echo ${a^^} ${a,,}\n", B "${a^^}\n"},
	{"echo ${!a}\n", B "${!a}\n"},
	{"echo ${a[0]} ${#a[@]}\n", B "${a[0]}\n"},
	{"echo $RANDOM\n", B "$RANDOM\n"},
	{"echo $UID ${EUID}\n", B "$UID\n"},
	{"cd $(dirname ${BASH_SOURCE[0]})\n", B "${BASH_SOURCE[0]}\n"},
	{"echo $((RANDOM + ${SECONDS}))\n", B "${SECONDS}\n"},
	{"set -euo pipefail\n", B "pipefail\n"},
	{"set -e\nset -o pipefail\n", B "pipefail\n"},
	{"mkdir -p /opt/{bin,lib}\n", B "/opt/{bin,lib}\n"},
	{"mkdir -p $D/{bin,lib/{a,b}}\n", B "$D/{bin,lib/{a,b}}\n"},
	{"for i in {1..5}; do :; done\n", B "{1..5}\n"},
	{"rm -f x.{a..c}\n", B "x.{a..c}\n"},
	{"echo -e 'a\\tb'\n", B "-e\n"},
	{"echo -ne 'a\\tb'\n", B "-ne\n"},
	{"read -a x\n", B "-a\n"},
	{"read -r -n1 x\n", B "-n1\n"},
	{"read -rs x\n", B "-rs\n"},
	{"trap 'echo bad' ERR\n", B "ERR\n"},
	{"printf -v x a\n", B "-v\n"},
	{"type -p gcc\n", B "-p\n"},
	{"export -f f\n", B "-f\n"},
	/* One finding for each kind, and every kind. */
	{"source a\nsource b\n[[ x ]]\n[[ y ]]\n", B "source\n" B "[[\n"},
	/* After text that must be skipped. */
	{"cat > x <<EOF\n[[ it's ]]\nEOF\nsource a\n", B "source\n"},
	{"cat <<A <<-'B' > x\n'\nA\n\t\"\n\tB\nsource a\n", B "source\n"},
	{"x=$(cat <<EOF\n)'\nEOF\n)\nsource a\n", B "source\n"},
	{"cat <<EOF | (read x\nbody'\nEOF\n)\nsource a\n", B "source\n"},
	{"x=$(case $y in a|(b) echo ;; *) z ;; esac)\nsource a\n", B "source\n"},
	{"case $x in\n  # it's one\n  \"a b\"|[cd]*) echo ;;\nesac\nsource a\n",
	 B "source\n"},
	{"case x in in) ;; esac; source a\n", B "source\n"},
	{"echo \"it's $(echo \"in 'quotes'\" ')') `date`\" # don't\nsource a\n",
	 B "source\n"},
	{"echo \"${x:-it's}\" ${y:-'a}b'} \"${z#\"'\"}\"\nsource a\n", B "source\n"},
	{"echo a#b # it's\nsource a\n", B "source\n"},
	{"echo \\' \\\"; source a\n", B "source\n"},
	{"apt-get install -y \\\n  gcc \\\n  # it's a comment\n  make\nsource a\n",
	 B "source\n"},
	{"((echo 'a)') | cat)\nsource a\n", B "source\n"},
	{"echo $((1 << 2)) $(( (1) ))\nsource a\n", B "source\n"},
	{"f() { echo; }\ng () ( echo )\nsource a\n", B "source\n"},
	{"for f in *; do case $f in *.gz) :; esac; done; source a\n", B "source\n"},
	{"ls !(a|b) @(c)*\nsource a\n", B "source\n"},
	{"if(true)then source a;fi\n", B "source\n"},
	{"cat <<\\E\n$(\nE\nsource a\n", B "source\n"},
	{"cat <<''\n'\n\nsource a\n", B "source\n"},
	{"exec 3>&1 2>>log <&-; source a\n", B "source\n"},
};

/* What looks like a bashism, but is not one. */
static const struct row fine[] = {
	{"", ""},
	{"\n\n", ""},
	{"# [[ source a ]] ${a//b}\n", ""},
	{"echo '[[ a ]]' \"source a\" \\[\\[ # $RANDOM\n", ""},
	{"cat > /usr/bin/x <<'EOF'\n#!/bin/bash\nsource a; [[ b ]]; a=(1)\nEOF\n", ""},
	{"cat > /usr/bin/x << \"THE END\"\n[[ b ]]\nTHE END\nchmod +x /usr/bin/x\n", ""},
	{"bash -c 'source a && [[ b ]] && echo ${c//d}'\n", ""},
	{"bash <<EOF\nsource a\nEOF\n", ""},
	{"echo 'source /opt/env.sh' >> /etc/profile\n", ""},
	{"awk '{ if ($1 == \"a\") x[$1] += 1 } END { print x[0] }' f\n", ""},
	{"awk 'BEGIN { while ((getline l < \"f\") > 0) print l }'\n", ""},
	{"sed -i 's/a{1,3}/$RANDOM/; s|function|&> |' f\n", ""},
	{"sed -e \"s/^#\\(PermitRootLogin\\).*/\\1 yes/\" -i /etc/ssh/sshd_config\n", ""},
	{"find . -name '*.pyc' -exec rm -f {} +\n", ""},
	{"find / -type f -exec sh -c 'echo \"$1\"' _ {} \\;\n", ""},
	{"xargs -I{} cp {} /opt\n", ""},
	{"make CFLAGS+=-O2 x=(y\n", ""},
	{"make CFLAGS+=-O2 test\n", ""},
	{"wget -q https://x.org/a-{{ version }}.tar.gz\n", ""},
	{"curl -O 'http://x/{a,b}' && curl http://x/{a,b}\n", ""},
	{"grep -E a{1,3} f\n", ""},
	{"X={a,b}\n", ""},
	{"git rev-parse HEAD@{1} stash@{0}\n", ""},
	{"docker inspect -f {{.Name}}\n", ""},
	{"echo {a} {} {a,b {$a,$b} {\"a\",\"b\"} a}{,\n", ""},
	{"test a = b && [ c = d ] && expr a == b\n", ""},
	{"echo == [ x ]\n", ""},
	{"echo -n a; echo -E b; echo a -e; echo -example; /bin/echo -e a\n", ""},
	{"read -r a; read -p 'x: ' b; read c\n", ""},
	{"trap 'rm -f x' EXIT; trap - INT; trap ERR\n", ""},
	{"printf '%s' -v; type ls; export -p; export -n a\n", ""},
	{"set -eu; set -o nounset; set +e\n", ""},
	{"(set -o pipefail 2>/dev/null) && set -o pipefail\n", ""},
	{"if set -o | grep -q pipefail; then set -o pipefail; fi\n", ""},
	{"bash -o pipefail -c 'a | b'\n", ""},
	{"if [ -n \"$BASH_VERSION\" ]; then [[ a ]]; source b; fi\n", ""},
	{"[ -n \"${BASH_VERSION:-}\" ] || exec bash \"$0\"\nsource b\n", ""},
	{"source() { . \"$@\"; }\nsource a\n", ""},
	{"RANDOM=4\necho $RANDOM\n", ""},
	{"export UID=1000\nuseradd -u $UID me\n", ""},
	{"read -r UID; echo $UID ${EUID:-0} ${RANDOM+x}\n", ""},
	{"echo ${a:-b} ${a:=b} ${a:?b} ${a:+b} ${a-b} ${a#b} ${a%%/*} ${#a} $# $$ $!\n",
	 ""},
	{"echo ${a:-/x} ${a#*:} ${a%,*} ${!} ${#} ${#-} ${@} ${1:-a} ${10}\n", ""},
	{"echo \"$\"'x' a$ \"$'x'\" '$'x\n", ""},
	{"a=$((b + c)) d=$(( (e << 2) | f[1] ))\n", ""},
	{"( (a; b) | c )\n((a; b) | c)\n", ""},
	{"f() { echo ${1}; }\nf 'a'\nselect_x() { :; }\n", ""},
	{"let_it=1 sources=2 declare_x=3\n./source a; my-let b; echo source let "
	 "declare\n",
	 ""},
	{"sudo -u me source\n", ""},
	{"case $1 in [[:alpha:]]*) echo ;; *[!a-z]) echo ;; esac\n", ""},
	{"case \"$(uname -m)\" in\n  x86_64) A=amd64;;\n  aarch64|arm64) A=arm64 "
	 ";;\nesac\n",
	 ""},
	{"ls >&2 2>&1 < a > b >> c 2> /dev/null & wait\n", ""},
	{"true &\n> file\n", ""},
	{"python3 -c 'x = {1: 2}; y = [i for i in x]; print(x[1] == y[0])'\n", ""},
	{"python3 - <<EOF\nimport os\nx += [1]\nprint(\"it's\")\nEOF\n", ""},
	{"Rscript -e \"install.packages(c('a', 'b'), repos = 'https://x')\"\n", ""},
	{"echo \"deb [arch=amd64] http://x $(lsb_release -cs) main\" > /etc/apt/x.list\n",
	 ""},
	{"export DEBIAN_FRONTEND=noninteractive\napt-get update && apt-get install -y "
	 "\\\n"
	 "    --no-install-recommends \\\n    ca-certificates \\\n    g++ gcc \\\n"
	 "    && rm -rf /var/lib/apt/lists/*\n",
	 ""},
	{"eval \"$(/opt/conda/bin/conda shell.posix hook)\"\nconda activate base\n"
	 "mamba install -y -c conda-forge 'python>=3.10,<3.12' \"numpy[extra]\"\n"
	 "pip install 'torch==2.1' --index-url https://x/{{ cu }}\n",
	 ""},
	{"sed -n '/^a/,/^b/{p;q}' f | awk -F: '$3 >= 1000 && $1 != \"x\" {print $1}' |\n"
	 "  sort -u > /etc/users\n",
	 ""},
	/* Not understood, so nothing is reported. */
	{"source a\necho 'open\n", ""},
	{"source a\necho \"open\n", ""},
	{"source a\necho $(open\n", ""},
	{"source a\necho ${open\n", ""},
	{"source a\necho `open\n", ""},
	{"source a\ncase x in\n", ""},
	{"source a\nesac\n", ""},
	{"source a\n)\n", ""},
	{"source a\n;;\n", ""},
	{"source a\necho a (b)\n", ""},
	{"source a\ncat <<\n", ""},
	{"source a\ncat <<'A'\"B\"\nAB\n", ""},
};

static void test_bashisms(void **state)
{
	struct script_text script = {.shell = SHELL_IS_DASH};

	(void)state;
	check_rows(script, bashisms, ARRAY_LEN(bashisms));
	check_rows(script, fine, ARRAY_LEN(fine));
	script.shell = SHELL_IS_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(bashisms); i++)
		check_text(script, str_of(bashisms[i].script), "");
}

/* What BusyBox's ash accepts of bash, and what it does not accept. */
static const struct row of_ash[] = {
	{"[[ a == b && c =~ d ]]", ""},
	{"function f { :; }", ""},
	{"source /etc/profile", ""},
	{"cat <(ls)", ""},
	{"ls &> /x", ""},
	{"echo $'a\\tb'", ""},
	{"[ a == b ]", ""},
	{"let x=1", ""},
	{"echo ${x/a/b} ${x//a/b} ${x:1:2} ${x: -1}", ""},
	{"echo $RANDOM", ""},
	{"set -o pipefail", ""},
	{"echo -e a; echo -ne a", ""},
	{"read -rs x; read -d : -n 1 -t 2 -u 3 x", ""},
	{"type -t ls", ""},
	{"a=(1 2)", "bashism: a=(\n"},
	{"a+=b", "bashism: a+=b\n"},
	{"ls &>> /x", "bashism: &>>\n"},
	{"ls |& cat", "bashism: |&\n"},
	{"cat <<< x", "bashism: <<<\n"},
	{"pushd /", "bashism: pushd\n"},
	{"declare x", "bashism: declare\n"},
	{"shopt -s nullglob", "bashism: shopt\n"},
	{"echo {a,b}", "bashism: {a,b}\n"},
	{"echo ${x^^}", "bashism: ${x^^}\n"},
	{"echo ${!x}", "bashism: ${!x}\n"},
	{"echo $EUID", "bashism: $EUID\n"},
	{"read -a x", "bashism: -a\n"},
	{"read -N 1 x", "bashism: -N\n"},
	{"trap x DEBUG", "bashism: DEBUG\n"},
	{"printf -v x y", "bashism: -v\n"},
	{"export -f f", "bashism: -f\n"},
};

static void test_ash(void **state)
{
	(void)state;
	check_rows((struct script_text){.shell = SHELL_IS_ASH}, of_ash,
		   ARRAY_LEN(of_ash));
}

static void check_message(const char *text, const char *message, const char *hint)
{
	CLEANUP(seen_release) struct seen seen = {0};
	struct script_text script = {.text = str_of(text), .shell = SHELL_IS_DASH};

	run(script, &seen);
	assert_int_equal(seen.findings.len, 1);
	buf_truncate(&seen.messages, seen.messages.len - 1);
	assert_string_equal(buf_text(&seen.messages), message);
	assert_string_equal(seen.findings.items[0].hint, hint);
}

static void test_messages(void **state)
{
	(void)state;
	check_message("[[ a ]]",
		      "'[[' is a bash feature: dash, the /bin/sh of Debian and Ubuntu, "
		      "does not support it",
		      "use '[ ... ]'");
	check_message("shopt -s x",
		      "'shopt' is a bash feature: dash, the /bin/sh of Debian and "
		      "Ubuntu, does not support it",
		      "run the part that needs it with bash");
	check_message("cat /tmp/a",
		      "nothing makes '/tmp/a': the host's /tmp is not in the container",
		      "copy it with %files to another folder, such as /opt");
	check_message("cat <<EOF\nx\n",
		      "the here-document is not closed: the section ends before its last "
		      "line 'EOF'",
		      "a line that begins with '%' ends the section, even here");
}

/* ---- here-documents ---- */

static const struct row here_documents[] = {
	{"cat <<EOF\nx\n", H "<<EOF\n"},
	{"cat <<EOF", H "<<EOF\n"},
	{"cat > x <<- 'A B' # c\n\tx\n", H "<<- 'A B'\n"},
	{"cat <<EOF\nx\n  EOF\n", H "<<EOF\n"},
	{"cat <<EOF\nx\nEOF \nEOFF\nE\n", H "<<EOF\n"},
	{"cat <<A <<B\nA\nA\n", H "<<B\n"},
	{"cat <<A <<B\nB\n", H "<<A\n"},
	{"x=$(cat <<EOF\n)\n", H "<<EOF\n"},
	{"cat <<EOF\nEOF\n", ""},
	{"cat <<EOF\nEOF", ""},
	{"cat <<-EOF\n\t\tEOF\n", ""},
	{"cat <<EOF > a; cat <<EOF > b\nEOF\nEOF\n", ""},
	{"echo $((1<<EOF)) '<<EOF' \"<<EOF\" \\<<a # <<EOF\n", ""},
	{"((x <<EOF))\n", ""},
	{"cat <<<EOF\n", ""},
	{"cat <<$X\n$X\n", ""},
	/* Not understood. */
	{"esac; cat <<EOF\n", ""},
};

static void test_here_documents(void **state)
{
	CLEANUP(seen_release) struct seen seen = {0};
	struct script_text script = {.text = STR("cat <<EOF\n  EOF \nx\n EOF\n")};
	const struct script_finding *f;

	(void)state;
	check_rows((struct script_text){0}, here_documents, ARRAY_LEN(here_documents));
	run(script, &seen);
	assert_int_equal(seen.findings.len, 1);
	f = &seen.findings.items[0];
	assert_true(str_is(f->note_at, "  EOF "));
	assert_ptr_equal(f->note_at.data, script.text.data + 10);
	assert_string_equal(f->hint, "write the last line without blanks");
}

/* ---- /tmp ---- */

static const struct row host_tmp[] = {
	{"cp /tmp/a /opt\n", T "/tmp/a\n"},
	{"cp -r \"/tmp/a b\" '/tmp/c' /opt\n", T "'/tmp/c'\n"},
	{"mv /tmp/a /tmp/b .\n", T "/tmp/a\n" T "/tmp/b\n"},
	{"ln /tmp/a b\n", T "/tmp/a\n"},
	{"install -D -m 755 -t /tmp/x /tmp/a /b\n", T "/tmp/a\n"},
	{"cat /var/tmp/a\n", T "/var/tmp/a\n"},
	{"cat /tmp/./a//b\ncat /tmp/a/b/\n", T "/tmp/./a//b\n"},
	{"tar xzf /tmp/a.tgz -C /opt\n", T "/tmp/a.tgz\n"},
	{"tar -C /opt -x -z -f /tmp/a.tgz\n", T "/tmp/a.tgz\n"},
	{"tar --extract --file /tmp/a.tgz\n", T "/tmp/a.tgz\n"},
	{"unzip -q /tmp/a.zip -d /opt\n", T "/tmp/a.zip\n"},
	{"sh -e /tmp/a.sh /tmp/b\n", T "/tmp/a.sh\n"},
	{"/bin/bash /tmp/a.sh -b\n", T "/tmp/a.sh\n"},
	{". /tmp/a.sh\n", T "/tmp/a.sh\n"},
	{"/tmp/a.sh --yes\n", T "/tmp/a.sh\n"},
	{"A=b /tmp/a.sh\n", T "/tmp/a.sh\n"},
	{"sudo dpkg -i /tmp/a.deb\n", T "/tmp/a.deb\n"},
	{"env A=b apt-get install -y /tmp/a.deb\n", T "/tmp/a.deb\n"},
	{"rpm -Uvh --nodeps /tmp/a.rpm\n", T "/tmp/a.rpm\n"},
	{"yum -y install /tmp/a.rpm\n", T "/tmp/a.rpm\n"},
	{"apk add --allow-untrusted /tmp/a.apk\n", T "/tmp/a.apk\n"},
	{"pip install --no-cache-dir -r /tmp/r.txt\n", T "/tmp/r.txt\n"},
	{"python3 -u /tmp/a.py\n", T "/tmp/a.py\n"},
	{"/opt/conda/bin/conda env create -n x -f /tmp/e.yml\n", T "/tmp/e.yml\n"},
	{"patch -p1 < /tmp/a.patch\n", T "/tmp/a.patch\n"},
	{"while read -r x; do :; done < /tmp/a\n", T "/tmp/a\n"},
	{"rm -rf /tmp/* /var/tmp/*\ncat /tmp/a\n", T "/tmp/a\n"},
	{"# wget -O /tmp/a\ncat /tmp/a\n", T "/tmp/a\n"},
	{"cat /tmp/a\ncat /tmp/a\ncat /tmp/b\n", T "/tmp/a\n" T "/tmp/b\n"},
	{"echo > /tmp/b\ncat /tmp/a\n", T "/tmp/a\n"},
	{"wget -O /var/tmp/a x\ncat /tmp/a\n", T "/tmp/a\n"},
	{"f() { cat /tmp/a; }\ncat /tmp/b\n", T "/tmp/b\n"},
	{"f() ( cat /tmp/a )\ncat /tmp/b\n", T "/tmp/b\n"},
	{"if true; then cat /tmp/a; fi\n", T "/tmp/a\n"},
	{"x=$(cat /tmp/a)\n", T "/tmp/a\n"},
	/* Something put the file there, or might have. */
	{"wget -O /tmp/a x && cat /tmp/a\n", ""},
	{"curl -o/tmp/a x; sh /tmp/a\n", ""},
	{"curl x > /tmp/a; sh /tmp/a\n", ""},
	{"curl x | tee /tmp/a; sh /tmp/a\n", ""},
	{"cat > /tmp/a <<EOF\nEOF\nsh /tmp/a\n", ""},
	{"git clone x /tmp/a && cp /tmp/a/b/c /opt\n", ""},
	{"mkdir -p /tmp/a/b && cp -r /tmp/a /opt\n", ""},
	{"cd /tmp\nwget x\ntar xf /tmp/a\n", ""},
	{"cd /tmp/x && wget y; cat /tmp/z\n", ""},
	{"cd tmp; wget y; cat /tmp/z\n", ""},
	{"wget -P /tmp x; cat /tmp/a\n", ""},
	{"unzip a -d /tmp; cat /tmp/a\n", ""},
	{"wget -O \"/tmp/$x\" y; cat /tmp/a\n", ""},
	{"wget -O /tmp/a-${v}.tgz y; tar xf /tmp/a-1.tgz\n", ""},
	{"wget -O \"/tmp/$(basename y)\" y; cat /tmp/a\n", ""},
	{"D=/tmp/a; cat /tmp/a\n", ""},
	{"export TMPDIR=/tmp; x; cat /tmp/a\n", ""},
	{"wget -O $TMPDIR/a x; cat /tmp/a\n", ""},
	{"wget -O tmp/a x; cat /tmp/a\n", ""},
	{"python3 -c 'open(\"/tmp/a\", \"w\")'; cat /tmp/a\n", ""},
	{"bash <<EOF\ntouch /tmp/a\nEOF\ncat /tmp/a\n", ""},
	{"[ -f /tmp/a ] && cat /tmp/a\n", ""},
	{"if [ -e /tmp/a ]; then . /tmp/a; fi\n", ""},
	{"if cat /tmp/a; then :; fi\n", ""},
	{"while ! cat /tmp/a; do :; done\n", ""},
	{"cat /tmp/a || true\n", ""},
	{"cat /tmp/a 2>/dev/null\n", ""},
	{"f() {\n  if x; then\n    cat /tmp/a\n  fi\n}\nwget -O /tmp/a x\nf\n", ""},
	/* The file is not read, or it is not known which file is. */
	{"cp a /tmp/a\nmv b /tmp/b\n", ""},
	{"cp -t /tmp/a b c\n", ""},
	{"ln -s /tmp/a /var/a\nln -sfn /tmp/b b\n", ""},
	{"install -d /tmp/a /tmp/b\n", ""},
	{"tar czf /tmp/a.tgz x\ntar -cf /tmp/b x\ntar xf a -C /tmp/c\n", ""},
	{"unzip a.zip -d /tmp/a\n", ""},
	{"cp /tmp/*.deb /opt\ncp /tmp/$x /opt\ncp /tmp/a{b,c} d\ncp /tmp/../a b\n", ""},
	{"cp /tmp/app-{{ version }}.tgz /opt\n", ""},
	{"dpkg -i /tmp/*.deb\n", ""},
	{"conda env export -f /tmp/a.yml\n", ""},
	{"pip install --target /tmp/a x\npip download -d /tmp/b x\n", ""},
	{"sh -c 'cat /tmp/a'\nbash -lc /tmp/b\npython3 -m x /tmp/c\nperl -e 1 /tmp/d\n",
	 ""},
	{"chmod +x /tmp/a\necho /tmp/b\nls /tmp/c\n", ""},
	{"cat /tmpfile /tmp.txt /usr/tmpx/a\n", ""},
	{"cat <<EOF\ncp /tmp/a /opt\nEOF\n", ""},
};

static const struct row with_targets[] = {
	{"cat /tmp/file; cat /tmp/folder/a/b; cat /tmp/folder\n", ""},
	{"cat /tmp/files\n", T "/tmp/files\n"},
	{"cat /tmp/other/file\n", T "/tmp/other/file\n"},
	{"cat /var/tmp/a\n", ""},
};

static void test_host_tmp(void **state)
{
	static const struct str targets[] = {{"/tmp/file", 9},
					     {"/tmp/folder/", 12},
					     {"/opt/other", 10},
					     {"/var/tmp", 8}};
	static const struct str earlier[] = {{"", 0}, {"wget -O /tmp/a x", 16}};
	struct script_text script = {0};

	(void)state;
	check_rows(script, host_tmp, ARRAY_LEN(host_tmp));
	script.has_host_tmp = true;
	check_text(script, STR("cat /tmp/a\n"), "");
	script.has_host_tmp = false;
	script.earlier = earlier;
	script.n_earlier = ARRAY_LEN(earlier);
	check_text(script, STR("cat /tmp/a\ncat /tmp/b\n"), T "/tmp/b\n");
	script.n_earlier = 0;
	script.targets = targets;
	script.n_targets = ARRAY_LEN(targets);
	check_rows(script, with_targets, ARRAY_LEN(with_targets));
}

/* ---- errexit ---- */

static void test_errexit(void **state)
{
	static const char *const sets[] = {"set -e\n",
					   "\n# a\n  set -ex; x\n",
					   "#!/bin/bash\nset -euo pipefail\n",
					   "set -o errexit\n",
					   "set -uo errexit\n",
					   "set -x\nset -e\n",
					   "set -o pipefail -e",
					   "set \\\n -e\n"};
	static const char *const sets_not[] = {"",
					       "set\n",
					       "set +e\n",
					       "set -x\n",
					       "echo -e\n",
					       "x; set -e\n",
					       "A=b\nset -e\n",
					       "(set -e)\n",
					       "# set -e\n",
					       "set -o nounset",
					       "set -- -x\n",
					       "'set -e'\n",
					       "f() { set -e; }"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		assert_true(shell_sets_errexit(str_of(sets[i])));
	for (size_t i = 0; i < ARRAY_LEN(sets_not); i++)
		assert_false(shell_sets_errexit(str_of(sets_not[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bashisms), cmocka_unit_test(test_ash),
		cmocka_unit_test(test_messages), cmocka_unit_test(test_here_documents),
		cmocka_unit_test(test_host_tmp), cmocka_unit_test(test_errexit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
