"""`prometheus.WriteRequest` of remote write 1.0, for the protobuf library: samples in, a compressed body out.

The specification fixes the numbers of the fields; metadata, exemplars and native histograms are not sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cramjam
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from telemetry.points.samples import Sample

HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "mcpist-resilience",
}
_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
# message → field → (number, type or message, how many)
_MESSAGES: Final[dict[str, dict[str, tuple[int, Any, Any]]]] = {
    "Label": {
        "name": (1, FieldDescriptorProto.TYPE_STRING, _ONE),
        "value": (2, FieldDescriptorProto.TYPE_STRING, _ONE),
    },
    "Sample": {
        "value": (1, FieldDescriptorProto.TYPE_DOUBLE, _ONE),
        "timestamp": (2, FieldDescriptorProto.TYPE_INT64, _ONE),
    },
    "TimeSeries": {"labels": (1, "Label", _MANY), "samples": (2, "Sample", _MANY)},
    "WriteRequest": {"timeseries": (1, "TimeSeries", _MANY)},
}


def _message_class() -> Any:
    file = FileDescriptorProto(name="remote_write.proto", package="prometheus", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, label) in fields.items():
            made = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".prometheus.{kind}"
            else:
                made.type = kind
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


WriteRequest: Final = _message_class()


def body(samples: Iterable[Sample]) -> bytes:
    """The body of one request."""
    request = WriteRequest()
    for sample in samples:
        series = request.timeseries.add()
        for name, value in sample.labels:
            series.labels.add(name=name, value=value)
        series.samples.add(value=sample.value, timestamp=sample.t)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
