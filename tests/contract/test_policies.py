"""The files in helpers/account/policies: each allows what its notebooks ask of AWS, and nothing that nobody needs.

What they ask is written down where they run (`tests/notebooks/test_remote.py`) and kept in `calls.json`.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.notebooks import permissions
from tests.notebooks.permissions import MINE, NOTEBOOKS, POLICIES, Need, actions, allowed, kept, listed, policy

ROOT = Path(__file__).resolve().parents[2]
EVERY = sorted(path.stem for path in POLICIES.glob("*.json"))
TRUST = [name for name in EVERY if name.endswith("trust")]
ROLES = ["execution_role", "pipeline_role", "codebuild_role", "kms", "vpc"]  # what AWS does in the name of a role
MANAGED_POLICY_CHARACTERS = 6144  # IAM's limit, blanks not counted
WITHOUT_RESOURCE = {  # by AWS's Service Authorization Reference; DescribeX of EC2 likewise
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "iam:ListRoles",
    "sagemaker:ListModelPackages",
}
PUSHING = "`docker push`, and the look at the image afterwards, ask the registry itself, which asks IAM"
STOPPING = "an interrupted cell stops its job"
SCALING = "AWS's guide to scaling endpoints asks for it: Application Auto Scaling acts in the caller's name"
UNSEEN = {  # actions that no run writes down, and why they are allowed
    "build": {
        **dict.fromkeys(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:InitiateLayerUpload",
                "ecr:UploadLayerPart",
                "ecr:CompleteLayerUpload",
                "ecr:PutImage",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            PUSHING,
        )
    },
    "codebuild": {
        **dict.fromkeys(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], PUSHING),
        "codebuild:StopBuild": "an interrupted call stops its build",
        "logs:GetLogEvents": "the end of the log of a build that failed",
    },
    "train": {
        "s3:CreateBucket": "the account's default bucket is made where it is missing",
        "iam:GetRole": "asked where ROLE is a name, or these credentials are a role's",
        "sagemaker:AddTags": "SageMaker asks for it with each Create where an account adds tags by itself",
        **dict.fromkeys(
            ["sagemaker:StopTrainingJob", "sagemaker:StopHyperParameterTuningJob", "sagemaker:StopTransformJob"],
            STOPPING,
        ),
    },
    "operate": {
        "sagemaker:AddTags": "as in train",
        "sagemaker:StopProcessingJob": STOPPING,
    },
    "scale": dict.fromkeys(
        [
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
            "iam:CreateServiceLinkedRole",
        ],
        SCALING,
    ),
    "invoke": {},
}


def asked(name: str) -> set[str]:
    """The actions that a policy's notebooks needed."""
    return {action for notebook in NOTEBOOKS[name] for action in kept()[notebook]}


def test_every_file_is_known_and_every_remote_notebook_has_one() -> None:
    assert set(EVERY) == {*NOTEBOOKS, *ROLES, *TRUST}
    assert {notebook for notebooks in NOTEBOOKS.values() for notebook in notebooks} == set(kept())


@pytest.mark.parametrize("notebook", sorted(kept()))
def test_the_policies_of_a_notebook_allow_all_it_asked(notebook: str) -> None:
    given = {action for name in permissions.policies_of(notebook) for action in actions(name)}
    assert set(kept()[notebook]) <= given


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_is_allowed_that_nobody_needs(name: str) -> None:
    assert actions(name) - asked(name) == set(UNSEEN[name])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_services_are_those_of_the_notebooks(name: str) -> None:
    given = {action.partition(":")[0] for action in actions(name) - set(UNSEEN[name])}
    assert given <= {action.partition(":")[0] for action in asked(name)}


@pytest.mark.parametrize("name", [name for name in EVERY if name not in TRUST])
def test_a_policy_is_narrow_and_fits(name: str) -> None:
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    assert len(re.sub(r"\s", "", text)) <= MANAGED_POLICY_CHARACTERS
    for statement in policy(name)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        if statement["Resource"] == "*":
            wide = {action for action in listed(statement["Action"]) if not action.startswith("ec2:Describe")}
            assert wide <= WITHOUT_RESOURCE
        if "iam:PassRole" in statement["Action"]:
            assert "iam:PassedToService" in statement["Condition"]["StringEquals"]
            assert "*" not in statement["Resource"]
    words = set(re.findall(r"\b[A-Z]{3,}\b", text))
    assert words <= set(MINE)


def test_invoke_is_for_asking_alone() -> None:
    assert actions("invoke") == {"sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync"}


def test_the_role_of_a_pipeline_may_do_what_its_steps_do() -> None:
    cells = json.loads((ROOT / "notebooks" / "09_operate.ipynb").read_text("utf-8"))["cells"]
    source = "".join(line for cell in cells if cell["cell_type"] == "code" for line in cell["source"])
    kinds = set(re.findall(r'jobs\.step\("\w+", "(\w+)"', source))
    assert kinds == {"Processing", "Training", "RegisterModel"}
    made = {"Processing": "ProcessingJob", "Training": "TrainingJob", "RegisterModel": "ModelPackage"}
    wanted = {f"sagemaker:{verb}{made[kind]}" for kind in kinds for verb in ("Create", "Describe")}
    assert wanted | {"iam:PassRole", "sagemaker:StartPipelineExecution"} <= actions("pipeline_role")


def test_trust_is_given_to_services_alone() -> None:
    services = {}
    for name in TRUST:
        (statement,) = policy(name)["Statement"]
        assert statement["Action"] == "sts:AssumeRole"
        services[name] = listed(statement["Principal"]["Service"])
    assert services == {
        "trust": ["sagemaker.amazonaws.com", "scheduler.amazonaws.com"],
        "codebuild_trust": ["codebuild.amazonaws.com"],
    }


def test_other_resources_services_and_actions_are_refused() -> None:
    role = f"arn:aws:iam::{MINE['ACCOUNT']}:role/{MINE['ROLE']}"
    assert allowed(Need("iam:PassRole", role, "sagemaker.amazonaws.com"), ["train"])
    assert not allowed(Need("iam:PassRole", role, "ec2.amazonaws.com"), ["train"])
    assert not allowed(Need("iam:PassRole", f"{role}2", "sagemaker.amazonaws.com"), ["train"])
    assert allowed(Need("s3:GetObject", f"arn:aws:s3:::{MINE['BUCKET']}/convect/a"), ["train"])
    assert not allowed(Need("s3:GetObject", "arn:aws:s3:::other/convect/a"), ["train"])
    assert not allowed(
        Need("sagemaker:DeleteEndpoint", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/a"), EVERY[:0]
    )


@pytest.mark.parametrize("name", EVERY)
def test_the_readme_s_line_fills_a_policy_in(name: str) -> None:
    (line,) = re.findall(r"^(sed .*policies/train\.json) >", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    command = ["bash", "-c", line.replace("train.json", f"{name}.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Statement"]
    assert not re.search(r"\b(REGION|ACCOUNT|BUCKET|ROLE)\b", done.stdout)
