#!/usr/bin/env bash
# Builds the image and pushes it to Amazon ECR.
# Usage: ./build_and_push.sh [name]      default: algoflow-sagemaker
#   BUILD_ONLY=1   builds and stops there: no AWS account is needed
#   BASE_IMAGE     the image to build from (default: the Dockerfile's)
#   AWS_REGION     or AWS_DEFAULT_REGION, or the region of `aws configure`
#   REVISION       the tag beside latest (default: the commit)
# PIP_INDEX_URL and the other PIP_ variables of the Dockerfile are handed to the build if they are set.
# Needs Docker, and for the push curl and the AWS CLI, or Python with boto3 in its place.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name="${1:-algoflow-sagemaker}"

stop() {
    echo "$*" >&2
    exit 1
}

# The commit, with "-dirty" where the folder differs from it; outside git what REVISION says.
revision() {
    local commit changes
    [[ -z "${REVISION:-}" ]] || { echo "$REVISION"; return; }
    commit=$(git -C "$here" rev-parse --short=12 HEAD 2>/dev/null) || { echo unversioned; return; }
    changes=$(git -C "$here" status --porcelain -- .)
    echo "$commit${changes:+-dirty}"
}

build() {
    local command=(docker build) arguments=() variable
    # buildx would add attestations, which make an index of the manifest; SageMaker refuses an index.
    if docker buildx version >/dev/null 2>&1; then
        command=(docker buildx build --provenance=false --sbom=false --load)
    else
        command+=(--force-rm) # or a step that fails leaves its container behind
    fi
    for variable in BASE_IMAGE PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT PIP_DEFAULT_TIMEOUT; do
        [[ -z "${!variable:-}" ]] || arguments+=(--build-arg "$variable")
    done
    "${command[@]}" --platform linux/amd64 ${arguments[@]+"${arguments[@]}"} \
        --label "org.opencontainers.image.revision=$tag" \
        --label "org.opencontainers.image.created=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
        --tag "$name:$tag" --tag "$name:latest" "$here" \
        || stop "The image was not built; the lines above say why. If the disk is full, 'docker system prune' frees some."
}

region() {
    local found="${AWS_REGION:-${AWS_DEFAULT_REGION:-}}"
    [[ -n "$found" ]] || found=$(aws configure get region 2>/dev/null) || true
    [[ -n "$found" ]] || stop "No AWS region is set: set AWS_REGION, or run 'aws configure'."
    echo "$found"
}

# Three lines: the repository's URI, the registry's endpoint, and "user:password" in base64. ECR says them; the host is
# not put together here, because it differs between partitions.
ecr() {
    if aws --version >/dev/null 2>&1; then
        ecr_by_cli
    else
        ecr_by_boto3
    fi || stop "ECR refused; the lines above say why. The rights needed are in the README under Permissions."
}

ecr_by_cli() {
    aws ecr describe-repositories --repository-names "$name" --query 'repositories[0].repositoryUri' --output text \
        2>/dev/null \
        || aws ecr create-repository --repository-name "$name" --image-scanning-configuration scanOnPush=true \
            --query repository.repositoryUri --output text || return
    aws ecr get-authorization-token --query 'authorizationData[0].[proxyEndpoint, authorizationToken]' \
        --output text | tr '\t' '\n'
}

ecr_by_boto3() {
    python3 - "$name" <<'PYTHON'
import sys

try:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    sys.exit("Neither the AWS CLI nor boto3 is installed: pip install awscli, or pip install boto3.")
name, client = sys.argv[1], None
try:
    client = boto3.client("ecr")
    try:
        repository = client.describe_repositories(repositoryNames=[name])["repositories"][0]
    except client.exceptions.RepositoryNotFoundException:
        made = client.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
        repository = made["repository"]
    token = client.get_authorization_token()["authorizationData"][0]
except (BotoCoreError, ClientError) as error:
    sys.exit(str(error))
print(repository["repositoryUri"], token["proxyEndpoint"], token["authorizationToken"], sep="\n")
PYTHON
}

# Asks the registry what it holds now, and prints the digest; an index in the place of an image is refused.
check() {
    local kinds="application/vnd.docker.distribution.manifest" answer
    kinds="$kinds.v2+json, $kinds.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    answer=$(printf 'user = "%s"\n' "$login" | curl --config - --silent --show-error --fail --head \
        --header "Accept: $kinds" "$endpoint/v2/${uri#*/}/manifests/$tag" | tr -d '\r')
    grep -iqE '^content-type:.*(index|list)' <<<"$answer" \
        && stop "The registry holds an index of images, which SageMaker refuses: build without attestations."
    sed -n 's/^docker-content-digest: *//Ip' <<<"$answer"
}

[[ "$name" =~ ^[a-z0-9]+([._/-][a-z0-9]+)*$ ]] \
    || stop "'$name' is no name for a repository: use small letters, digits and . _ - / only."
docker version >/dev/null 2>&1 \
    || stop "No Docker engine answers: start Docker, or use helpers.image.build_remotely, which needs none."
tag=$(revision)
if [[ -n "${BUILD_ONLY:-}" ]]; then
    build
    exit 0
fi

# ECR is asked before the minutes of building, so that what is missing is said at once.
AWS_DEFAULT_REGION=$(region)
export AWS_DEFAULT_REGION AWS_REGION="$AWS_DEFAULT_REGION"
facts=$(ecr)
{ read -r uri; read -r endpoint; read -r token; } <<<"$facts"
login=$(base64 --decode <<<"$token")
build

# The login goes into a folder of its own, which is removed; the engine that is in use now stays in use.
DOCKER_HOST="${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}"
DOCKER_CONFIG=$(mktemp -d)
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
export DOCKER_HOST DOCKER_CONFIG
docker login --username "${login%%:*}" --password-stdin "$endpoint" <<<"${login#*:}" >/dev/null 2>&1 \
    || stop "The registry $endpoint refused the login that ECR gave."
for one in "$tag" latest; do
    docker tag "$name:$tag" "$uri:$one"
    docker push "$uri:$one" >/dev/null || stop "The push to $uri:$one failed; the lines above say why."
done
digest=$(check)
[[ -n "$digest" ]] || stop "The registry does not answer for $uri:$tag, which was just pushed."
echo "$uri:$tag"
echo "$uri@$digest"
