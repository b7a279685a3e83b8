"""The division of the uplink as PuLP states it and CBC solves it: allocate_cbc.py INSTANCES ANSWERS

INSTANCES is a JSON list of {"uplink", "cloud", "services": [[[value, rate, cloud], ...], ...]}, "cloud" null for no
limit; ANSWERS becomes a list of {"seconds", "picks"}: the time of prob.solve(), and per service the index of its choice
or null."""

import json
import sys
import time

import pulp


def solve(instance):
    problem = pulp.LpProblem("allocation", pulp.LpMaximize)
    chosen = [
        [pulp.LpVariable(f"x_{s}_{c}", cat="Binary") for c in range(len(choices))]
        for s, choices in enumerate(instance["services"])
    ]
    pairs = [
        (variable, choice)
        for variables, choices in zip(chosen, instance["services"])
        for variable, choice in zip(variables, choices)
    ]
    problem += pulp.lpSum(choice[0] * variable for variable, choice in pairs)
    for variables in chosen:
        problem += pulp.lpSum(variables) <= 1
    # Shares of the capacities, so that the solver's tolerance means the same in both rows.
    problem += pulp.lpSum(choice[1] / instance["uplink"] * variable for variable, choice in pairs) <= 1
    if instance["cloud"] is not None:
        problem += pulp.lpSum(choice[2] / instance["cloud"] * variable for variable, choice in pairs) <= 1
    begun = time.perf_counter()
    problem.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0.0, threads=1))
    seconds = time.perf_counter() - begun
    if pulp.LpStatus[problem.status] != "Optimal":
        raise SystemExit(f"CBC ended with {pulp.LpStatus[problem.status]}")
    picks = [
        next((c for c, variable in enumerate(variables) if (variable.value() or 0) > 0.5), None) for variables in chosen
    ]
    return {"seconds": seconds, "picks": picks}


with open(sys.argv[1], encoding="utf-8") as file:
    instances = json.load(file)
answers = [solve(instance) for instance in instances]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(answers, file)
