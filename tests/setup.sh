#!/usr/bin/env bash
# Installs what the tests need and is missing, as root or with sudo; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

# A C compiler builds SQLite and the TLS library. The tests end the program (kill), give it a full disk (prlimit) and files
# that it may not write (setpriv), check the examples for Prometheus (promtool), and open the pages in a browser (chromium and
# its driver, fonts for what leads write, npm for the accessibility checker). schemathesis (Python) checks the routes against
# their description.
needed=()
command -v cc >/dev/null || needed+=(gcc libc6-dev)
type -P kill >/dev/null || needed+=(procps)
command -v prlimit >/dev/null && command -v setpriv >/dev/null || needed+=(util-linux)
command -v promtool >/dev/null || needed+=(prometheus)
command -v chromium >/dev/null || needed+=(chromium)
command -v chromedriver >/dev/null || needed+=(chromium-driver)
# The server's programs are not in the path; the package also makes the user that it runs as.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || needed+=(postgresql)
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || needed+=(pgbouncer)
command -v npm >/dev/null || needed+=(npm)
python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3 python3-venv)
for font in fonts-noto-core fonts-noto-color-emoji; do
  [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$font" 2>/dev/null)" = installed ] || needed+=("$font")
done
if [ "${#needed[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo --non-interactive)
  if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
         apt-get install --yes --no-install-recommends -qq "${needed[@]}"; } >/dev/null; then
    echo "tests/setup.sh: please install first: ${needed[*]} (apt-get install ${needed[*]})" >&2
    exit 1
  fi
fi

# The accessibility checker that the browser runs on every page.
axe=axe-core-4.14.1
axe_sum=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
has_axe() { echo "$axe_sum  target/axe/axe.min.js" | sha256sum --check --status 2>/dev/null; }
if ! has_axe; then
  mkdir -p target/axe
  if ! (cd target/axe && npm pack --silent "${axe/core-/core@}" >/dev/null &&
        tar --extract --gzip --strip-components=1 --file "$axe.tgz" package/axe.min.js) || ! has_axe; then
    echo "tests/setup.sh: $axe could not be fetched with npm, or its checksum is wrong" >&2
    exit 1
  fi
fi
