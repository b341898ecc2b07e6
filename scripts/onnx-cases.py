"""Writes the node cases of a newer ONNX than Debian's, for `scripts/onnx-conformance.js --data folder`:

    python3 -m venv venv && venv/bin/pip install onnx pillow && venv/bin/python scripts/onnx-cases.py folder

Cases of an operator set after goml's newest say that one instead where it has their ops. The
tolerances that a case's authors allow are written beside it.
"""

import json
import os
import sys

import numpy
import onnx.defs
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

NEWEST = 25
IR_VERSION = 13


def is_old(op):
    try:
        return onnx.defs.get_schema(op, NEWEST, "") is not None
    except onnx.defs.SchemaError:
        return False


def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from nodes(inner)


def lower(model):
    for own in model.opset_import:
        if own.domain == "" and own.version > NEWEST:
            if all(n.domain != "" or is_old(n.op_type) for n in nodes(model.graph)):
                own.version = NEWEST
                model.ir_version = min(model.ir_version, IR_VERSION)
    return model


def message(value, info):
    kind, name = info.type, info.name
    if isinstance(value, TensorProto):
        return value
    if kind.HasField("map_type"):
        return numpy_helper.from_dict(value, name)
    if kind.HasField("sequence_type"):
        return numpy_helper.from_list(value, name)
    if kind.HasField("optional_type"):
        return numpy_helper.from_optional(value, name)
    return numpy_helper.from_array(numpy.asarray(value), name)


def main(folder):
    numpy.random.seed(0)
    numpy.seterr(all="ignore")
    for case in collect_testcases(None):
        own = os.path.join(folder, "node", case.name)
        os.makedirs(own, exist_ok=True)
        model = lower(case.model)
        with open(os.path.join(own, "model.onnx"), "wb") as file:
            file.write(model.SerializeToString())
        with open(os.path.join(own, "tolerance.json"), "w") as file:
            json.dump({"rtol": case.rtol, "atol": case.atol}, file)
        for i, sets in enumerate(case.data_sets):
            data = os.path.join(own, f"test_data_set_{i}")
            os.makedirs(data, exist_ok=True)
            for kind, values, infos in zip(("input", "output"), sets, (model.graph.input, model.graph.output)):
                for j, value in enumerate(values):
                    with open(os.path.join(data, f"{kind}_{j}.pb"), "wb") as file:
                        file.write(message(value, infos[j]).SerializeToString())


main(sys.argv[1])
