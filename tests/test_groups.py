"""What is set up once for a group of tests is set up once, also where several processes run them."""

import pytest


@pytest.mark.xdist_group("groups")
def test_pytest_and_its_processes_agree_on_groups(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", False):
        pytest.skip("one process runs all tests: `make test` begins several, with --dist loadgroup")
    # pytest-xdist writes a group into the name of a test, which pytest 9.2 does not let it do.
    assert request.node.nodeid.endswith("@groups")
