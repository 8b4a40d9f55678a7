# shellcheck shell=bash
# Read by the three scripts: decides once whether the image or this checkout's own programs run, and says so.
#   IMAGE  the image to look for (default: algoflow-sagemaker)
#   PORT   the port to serve on (default: 8080)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
test_dir="$here/test_dir"
container="$(dirname "$here")"
image="${IMAGE:-algoflow-sagemaker}"
port="${PORT:-8080}"

python="$(dirname "$container")/.venv/bin/python"
[[ -x "$python" ]] || python=python3

# Whether a Docker engine answers here and has the image.
has_image() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 && docker image inspect "$image" >/dev/null 2>&1
}

# Run `train` or `serve` over test_dir, which takes the place of /opt/ml; further arguments are options for Docker.
run_program() {
    local program="$1"
    shift
    if has_image; then
        echo "$program: Docker answers and has the image '$image', so the image runs." >&2
        exec docker run --rm --init --user "$(id -u):$(id -g)" --volume "$test_dir:/opt/ml" \
            "$@" "$image" "$program"
    fi
    echo "$program: no Docker engine with the image '$image', so $container/$program runs with $python." >&2
    SAGEMAKER_BASE_DIR="$test_dir" SAGEMAKER_BIND_TO_PORT="$port" exec "$python" "$container/$program"
}
