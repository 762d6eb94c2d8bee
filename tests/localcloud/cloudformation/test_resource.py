"""Names that CloudFormation would make."""

import re

from tests.localcloud.cloudformation.resources.conftest import context_of


def named(stack: str, logical_id: str, longest: int, *, lower_case: bool = False) -> str:
    context = context_of(logical_id, lambda _service: None, stack=stack)
    return context.physical_name(longest, lower_case=lower_case)


def test_names_contain_stack_logical_id_and_random_characters() -> None:
    assert re.fullmatch(r"OrchardData-Logs6819BB44-[A-Z0-9]{12}", named("OrchardData", "Logs6819BB44", 64))


def test_two_names_differ() -> None:
    assert named("A", "B", 64) != named("A", "B", 64)


def test_names_are_lower_case_on_request() -> None:
    assert re.fullmatch(r"orcharddata-logs-[a-z0-9]{12}", named("OrchardData", "Logs", 63, lower_case=True))


def test_long_names_keep_part_of_stack_and_logical_id() -> None:
    long_stack, long_resource, long_both = (
        named("S" * 100, "Logs", 64),
        named("Data", "R" * 200, 64),
        named("S" * 100, "R" * 200, 63),
    )
    assert re.fullmatch(r"S{46}-Logs-\w{12}", long_stack)
    assert re.fullmatch(r"Data-R{46}-\w{12}", long_resource)
    assert re.fullmatch(r"S+-R+-\w{12}", long_both)
    assert [len(name) for name in (long_stack, long_resource, long_both)] == [64, 64, 63]


def test_a_secret_is_named_without_its_stack() -> None:
    context = context_of("KeySecret2DA13121", lambda _service: None, stack="OrchardAccess")

    assert re.fullmatch(r"KeySecret2DA13121-[A-Za-z0-9]{12}", context.name_without_stack())
