#!/usr/bin/env bash
# What the steps of ../action.yml do: `action.sh install` sets fairaudit up away from the job's own Python, `action.sh audit` runs it and tells the
# later steps what came of it. Inputs come as FAIRAUDIT_… in the environment; they become arguments, and nothing in them is ever code.
# For bash 3.2, which macOS has, and newer.
set -euo pipefail

home="$RUNNER_TEMP/fairaudit"
folder="" # where the gate writes, once it is known to be free of what an earlier run wrote

mistake() {
    echo "fairaudit: $1" >&2
    return 2
}

install() {
    [ "${RUNNER_OS:-}" != Windows ] || mistake "the action is for runners with Linux or macOS; name one of them in runs-on."
    case $FAIRAUDIT_EXTRAS in
    *[!A-Za-z0-9,\ _-]*) mistake "the input extras has names between commas, as 'tensorflow,aif360'; it is '$FAIRAUDIT_EXTRAS'." ;;
    esac
    "$FAIRAUDIT_PYTHON" -m venv "$home"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH${FAIRAUDIT_EXTRAS:+[$FAIRAUDIT_EXTRAS]}"
}

# The words of an input, each ended by a null byte: quotes and backslashes are a shell's, nothing is expanded.
words() {
    "$home/bin/python" -I -c 'import os, shlex, sys
try:
    found = shlex.split(sys.argv[2])
except ValueError as error:
    sys.exit(f"fairaudit: the input {sys.argv[1]} cannot be split into words: {error}.")
sys.stdout.buffer.write(b"".join(os.fsencode(word) + b"\0" for word in found))' "$1" "$2" >"$home.$1" || return 2
}

# The audit and its gate. Its exit code is looked at, so `set -e` is off in it.
run() {
    local call word option name out=${FAIRAUDIT_OUT%/}
    call=("$home/bin/fairaudit" audit)
    words args "$FAIRAUDIT_ARGS" && words rules "$FAIRAUDIT_RULES" || return
    while IFS= read -r -d '' word; do call+=("$word"); done <"$home.args"
    while IFS= read -r -d '' word; do call+=("--rule=$word"); done <"$home.rules"
    for option in "config=$FAIRAUDIT_CONFIG" "baseline=$FAIRAUDIT_BASELINE" "waivers=$FAIRAUDIT_WAIVERS" "as-of=$FAIRAUDIT_AS_OF" \
        "unused-waivers=$FAIRAUDIT_UNUSED_WAIVERS" "inconclusive=$FAIRAUDIT_INCONCLUSIVE" "fail-on=$FAIRAUDIT_FAIL_ON"; do
        [ -z "${option#*=}" ] || call+=("--$option")
    done
    case $out in
    '' | *[$'\r\n']*) mistake "the input out is the name of a folder, in one line." || return ;;
    esac
    for name in json=gate.json junit=junit.xml sarif=fairness.sarif markdown=summary.md badge=badge.svg badge=badge.json; do
        call+=("--write=${name%%=*}=$out/${name#*=}")
        rm -f -- "$out/${name#*=}" || return 2 # or an earlier run's would be taken for this one's
    done
    folder=$out
    "${call[@]}" "--out=$out" --gate
}

audit() {
    local code=0 verdict token
    cd "$GITHUB_WORKSPACE"
    token=$("$home/bin/python" -I -c 'import secrets; print(secrets.token_hex(16))')
    echo "::stop-commands::$token" # a value of the data that looks like one is not the runner's
    run || code=$?
    echo "::$token::"
    if [ -z "$folder" ] || ! [ -f "$folder/gate.json" ]; then
        folder=""
        [ "$code" -ne 0 ] || code=2 # `--help` among the arguments passes nothing
        printf '\n**fairaudit judged nothing** (exit code %s); the log of the step says why.\n' "$code" >>"$GITHUB_STEP_SUMMARY"
    fi
    case $code in
    0) verdict="pass" ;;
    1) verdict="fail" ;;
    2) verdict="unjudged" ;;
    3) verdict="inconclusive" ;;
    *) verdict="error" ;;
    esac
    printf '%s\n' "exit-code=$code" "verdict=$verdict" "folder=$folder" "report=${folder:+$folder/report.html}" >>"$GITHUB_OUTPUT"
}

case ${1:-} in
install) install ;;
audit) audit ;;
*) mistake "action.sh does 'install' or 'audit'; it was asked for '${1:-}'." ;;
esac
