"""For tests/unit/plan/test_planner.py: fails until plan() and destroy() tell what could not be looked for."""

from provision.errors import ServiceError
from provision.plan.destroy import destroy
from provision.plan.plan import Observation, plan
from provision.resources.graph import ResourceGraph

UNKNOWN = ServiceError("looking into a vault", "no answer")


def test_where_nobody_could_look_is_not_checked() -> None:
    graph, observation = ResourceGraph([]), Observation({}, (UNKNOWN,))
    assert plan("shop", graph, observation, unchecked=["x"]).unchecked == ("x", str(UNKNOWN))
    assert destroy("shop", graph, observation, []).unchecked == (str(UNKNOWN),)
    assert plan("shop", graph, observation, targets=[]).unchecked == (str(UNKNOWN),)
