"""Flight plans: where a flight takes its images; one plan a file."""

from hinted_posenet.simulator.plan.attitude import Attitude, Plan
from hinted_posenet.simulator.plan.lawnmower import LawnmowerPlan
from hinted_posenet.simulator.plan.orbit import OrbitPlan
from hinted_posenet.simulator.plan.random import RandomPlan
from hinted_posenet.simulator.plan.way_points import WayPointsPlan

__all__ = ["Attitude", "LawnmowerPlan", "OrbitPlan", "Plan", "RandomPlan", "WayPointsPlan"]
