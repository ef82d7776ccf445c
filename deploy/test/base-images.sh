#!/usr/bin/env bash
# Stand-ins for the images that Dockerfile and compose.yml build on, under their names, for a machine that cannot pull
# them: Debian made by debootstrap, with this machine's Rust and Node.js. As root. Not shipped, and not for use.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export DEBIAN_FRONTEND=noninteractive

has() { docker image inspect "$1" >/dev/null 2>&1; }

# Names that are missing.
wanted=()
for image in rust:1.95-bookworm node:20-bookworm-slim gcr.io/distroless/cc-debian12:nonroot postgres:16-alpine nats:2-alpine; do
    has "$image" || wanted+=("$image")
done
[ ${#wanted[@]} -gt 0 ] || exit 0

for program in rustc node npm; do
    command -v "$program" >/dev/null || { echo "the stand-ins take $program from this machine, and it is not here" >&2; exit 1; }
done
command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap; }

if ! has lyceum-test/debian; then
    debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" >"$work/debootstrap.log" \
        || { tail -20 "$work/debootstrap.log" >&2; exit 1; }
    # What this machine trusts, and how it reaches its registries.
    cp -a /etc/ssl/certs/ca-certificates.crt "$work/debian/etc/ssl/certs/"
    cp -a /etc/apt/sources.list* /etc/apt/apt.conf.d "$work/debian/etc/apt/" 2>/dev/null || true
    rm -rf "$work/debian/var/cache/apt/archives/"*.deb
    tar -C "$work/debian" -c . | docker import - lyceum-test/debian >/dev/null
fi

build() { # NAME DIRECTORY: from the Dockerfile on standard input
    cat >"$2/Dockerfile"
    docker build --quiet --network host -t "$1" "$2" >/dev/null
    echo "made a stand-in for $1"
}

for image in "${wanted[@]}"; do
    context="$work/context"
    rm -rf "$context"
    mkdir "$context"
    case "$image" in
    rust:*)
        toolchain="$(rustc --print sysroot)"
        cp -a "$toolchain" "$context/rust"
        rm -rf "$context/rust/share/doc"
        build "$image" "$context" <<'D'
FROM lyceum-test/debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc g++ libc6-dev make git pkg-config && rm -rf /var/lib/apt/lists/*
COPY rust /usr/local/rust
ENV PATH=/usr/local/cargo/bin:/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_HOME=/usr/local/cargo SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
D
        ;;
    node:*)
        mkdir -p "$context/node/bin" "$context/node/lib"
        cp -aL "$(command -v node)" "$context/node/bin/node"
        cp -a "$(npm root -g)/npm" "$context/node/lib/npm"
        build "$image" "$context" <<'D'
FROM lyceum-test/debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY node/bin/node /usr/local/bin/node
COPY node/lib/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
D
        ;;
    gcr.io/distroless/*)
        # Like the original: packages unpacked, and nothing that could run a script.
        build "$image" "$context" <<'D'
FROM lyceum-test/debian AS debian
WORKDIR /packages
RUN apt-get update -qq && apt-get download -qq base-files netbase tzdata libc6 libssl3 libgcc-s1 libgomp1 libstdc++6 \
    && for package in *.deb; do dpkg -x "$package" /root-of-image; done \
    && install -D /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt \
    && printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >/root-of-image/etc/passwd \
    && printf 'root:x:0:\nnonroot:x:65532:\n' >/root-of-image/etc/group \
    && install -d -o 65532 -g 65532 /root-of-image/home/nonroot && install -d -m 1777 /root-of-image/tmp
FROM scratch
COPY --from=debian /root-of-image /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532
D
        ;;
    postgres:*)
        # The servers of the npm package that `lyceum up` uses: Debian 12 has PostgreSQL 15.
        servers="$(find "${LYCEUM_TEST_POSTGRES:?the folder of a PostgreSQL 16}" -maxdepth 0)"
        cp -a "$servers" "$context/postgres"
        cp "$here/postgres.sh" "$context/"
        build "$image" "$context" <<'D'
FROM lyceum-test/debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-client-15 && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 70 postgres && useradd --uid 70 --gid 70 postgres && mkdir -p /var/lib/postgresql/data /var/run/postgresql \
    && chown -R 70:70 /var/lib/postgresql /var/run/postgresql
COPY postgres /usr/local/postgres
COPY postgres.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/local/postgres/bin:/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data LC_ALL=C.UTF-8
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["bash", "/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres"]
D
        ;;
    nats:*)
        build "$image" "$context" <<'D'
FROM lyceum-test/debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nats-server && rm -rf /var/lib/apt/lists/*
EXPOSE 4222
ENTRYPOINT ["nats-server"]
D
        ;;
    esac
done
