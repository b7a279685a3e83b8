"""Reads an MCAP file as Foxglove does, with nothing of the program that wrote it: foxglove_reader.py FILE.mcap

The reader is that of MCAP's own project and checks every checksum; each message must fit the JSON schema that lies in
the file, and fit Foxglove's published message of that name: every field known, of its type. Prints one JSON object:
images, annotations, outlines and texts by topic; exits with 1 and a message at the first deviation.
"""

import base64
import importlib
import json
import sys

import jsonschema
from google.protobuf import json_format, timestamp_pb2
from mcap.reader import make_reader


def published(name):
    """Foxglove's own declaration of a message such as foxglove.RawImage."""
    package, message = name.split(".")
    assert package == "foxglove", name
    return getattr(importlib.import_module(f"foxglove_schemas_protobuf.{message}_pb2"), message)


def with_text_times(value):
    """The same message with times as Protobuf's JSON has them: the only thing that its JSON writes otherwise."""
    if isinstance(value, dict):
        if set(value) == {"sec", "nsec"}:
            time = timestamp_pb2.Timestamp(seconds=value["sec"], nanos=value["nsec"])
            return time.ToJsonString()
        return {key: with_text_times(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_text_times(inner) for inner in value]
    return value


def check_image(image, message):
    assert (image.timestamp.seconds * 10**9 + image.timestamp.nanos) == message.log_time, "an image's own time"
    assert image.encoding == "rgb8" and image.step == 3 * image.width, (image.encoding, image.step)
    assert len(image.data) == image.step * image.height, (len(image.data), image.width, image.height)
    assert image.data == base64.b64decode(json.loads(message.data)["data"], validate=True)


def check_boxes(boxes, message):
    assert len(boxes.points) == len(boxes.texts), "a text for each outline"
    for outline in boxes.points:
        assert outline.type == outline.LINE_LOOP and len(outline.points) == 4, outline
        assert outline.timestamp.seconds * 10**9 + outline.timestamp.nanos == message.log_time
        assert outline.thickness > 0 and outline.outline_color.a > 0, "nothing would be seen"


def main(path):
    topics = {}
    with open(path, "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None, "no summary to seek by"
        schemas = {}
        for schema in summary.schemas.values():
            declared = json.loads(schema.data)
            jsonschema.Draft202012Validator.check_schema(declared)
            unknown = set(declared["properties"]) - set(published(schema.name).DESCRIPTOR.fields_by_name)
            assert not unknown, f"{schema.name} has no {unknown}"
            schemas[schema.id] = jsonschema.Draft202012Validator(declared)
        last = 0
        for schema, channel, message in reader.iter_messages(log_time_order=True):
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            assert last <= message.log_time, "out of order"
            last = message.log_time
            value = json.loads(message.data)
            schemas[schema.id].validate(value)
            # Fails at a field that Foxglove does not know, and at a value of another type.
            parsed = json_format.ParseDict(with_text_times(value), published(schema.name)())
            check = {"foxglove.RawImage": check_image, "foxglove.ImageAnnotations": check_boxes}[schema.name]
            check(parsed, message)
            found = topics.setdefault(channel.topic, {"schema": schema.name, "messages": 0, "outlines": 0, "times": []})
            found["messages"] += 1
            found["outlines"] += len(parsed.points) if schema.name == "foxglove.ImageAnnotations" else 0
            found["times"].append(message.log_time)
        assert sum(found["messages"] for found in topics.values()) == summary.statistics.message_count
    for topic, found in topics.items():
        if topic.endswith("/image"):
            boxes = topics[topic.removesuffix("image") + "detections"]
            missing = set(found["times"]) - set(boxes["times"])
            assert not missing, f"{topic}: {len(missing)} images without boxes of their moment"
    for found in topics.values():
        del found["times"]
    print(json.dumps(topics))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except AssertionError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
