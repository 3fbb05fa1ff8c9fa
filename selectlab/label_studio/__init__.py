"""Label Studio, live: send what was chosen to a running server, and fetch what people labelled."""

from selectlab.label_studio.addresses import address_of
from selectlab.label_studio.client import Client
from selectlab.label_studio.images import LocalFiles
from selectlab.label_studio.projects import Project, find_project
from selectlab.label_studio.pulling import Pulled, pull
from selectlab.label_studio.pushing import Pushed, Target, push
from selectlab.label_studio.standing import Standing, standing
from selectlab.label_studio.tokens import Token, find_token
from selectlab.label_studio.waiting import Patience

__all__ = [
    "Client",
    "LocalFiles",
    "Patience",
    "Project",
    "Pulled",
    "Pushed",
    "Standing",
    "Target",
    "Token",
    "address_of",
    "find_project",
    "find_token",
    "pull",
    "push",
    "standing",
]
