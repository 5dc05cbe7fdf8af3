"""What Home Assistant has to be told over MQTT so that the music's mood appears there by itself.

For each entity there is one retained message, as https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery and
https://www.home-assistant.io/integrations/sensor.mqtt/ define it: a sensor that reads one field of the state.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator

from emodj_live import __version__
from emodj_live.emotion import Quadrant

_PREFIX = "homeassistant"  # of the discovery, unless somebody has changed it there
_LONGEST = 255  # characters of an entity's state
_NUMBER = {"state_class": "measurement", "suggested_display_precision": 2}
_ENTITIES: dict[str, dict[str, object]] = {
    "valence": {"name": "Valence", "icon": "mdi:emoticon-outline", **_NUMBER},
    "arousal": {"name": "Arousal", "icon": "mdi:lightning-bolt-outline", **_NUMBER},
    "mood": {
        "name": "Mood",
        "icon": "mdi:music",
        "device_class": "enum",
        "options": [quadrant.value for quadrant in Quadrant],
        "value_template": "{{ value_json.quadrant }}",
    },
    "color": {"name": "Color", "icon": "mdi:palette-outline"},
    "certainty": {"name": "Certainty", "icon": "mdi:help-circle-outline", **_NUMBER},
    "title": {
        "name": "Title",
        "icon": "mdi:music-note",
        "value_template": f"{{{{ value_json.title[:{_LONGEST}] }}}}",
    },
}


def discovery(topic: str) -> Iterator[tuple[str, str]]:
    """Yield the topic and the JSON of each message.

    Parameters
    ----------
    topic : str
        What the tracker's own topics begin with; ``topic/state`` and ``topic/availability`` are read.

    Yields
    ------
    topic : str
    payload : str
    """
    node = identifier(topic)
    device = {
        "identifiers": [f"emodj_live_{node}"],
        "name": "emodj-live" if topic == "emodj" else f"emodj-live {topic}",
        "manufacturer": "emodj-live",
        "model": "music emotion tracker",
        "sw_version": __version__,
    }
    for name, entity in _ENTITIES.items():
        config = {
            "unique_id": f"emodj_live_{node}_{name}",
            "state_topic": f"{topic}/state",
            "value_template": f"{{{{ value_json.{name} }}}}",
            "availability_topic": f"{topic}/availability",
            "device": device,
            "origin": {"name": "emodj-live", "sw_version": __version__},
        }
        if name == "color":
            config["json_attributes_topic"] = f"{topic}/state"
            config["json_attributes_template"] = "{{ {'rgb_color': value_json.rgb} | tojson }}"
        yield f"{_PREFIX}/sensor/{node}/{name}/config", json.dumps(config | entity)


def identifier(topic: str) -> str:
    """Return a name for a topic of the characters that Home Assistant allows, different for different topics.

    Parameters
    ----------
    topic : str

    Returns
    -------
    str
    """
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", topic)
    return plain if plain == topic else f"{plain}_{zlib.crc32(topic.encode()):08x}"
