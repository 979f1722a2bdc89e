"""Tests of the rig that runs a real Home Assistant process."""

import json
import os
from pathlib import Path

import pytest

from scripts.rig.api import Api, ApiError, LoginError
from scripts.rig.home_assistant import USER, HomeAssistant

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("socket_enabled")]


async def test_starts_restarts_and_leaves_nothing_behind() -> None:
    """A Home Assistant of its own lives exactly as long as its context."""
    progress: list[str] = []
    async with HomeAssistant(progress=progress.append) as home_assistant:
        url, directory = home_assistant.url, home_assistant.directory
        await home_assistant.api.wait_for(lambda: _loaded(home_assistant, "backup"), 10, "backup is set up")
        states = await home_assistant.api.states()
        assert states["zone.home"]["attributes"]["friendly_name"] == "Home"
        assert "running" in progress[-1]

        with pytest.raises(LoginError, match="demo: invalid_auth"):
            async with Api.connect(url, USER, "wrong"):
                pass

        await home_assistant.restart()
        assert (home_assistant.url, home_assistant.directory) == (url, directory)
        assert (await home_assistant.api.states()).keys() == states.keys()
        pid = home_assistant.pid

    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not directory.exists()
    assert "homeassistant.bootstrap" in home_assistant.log


async def test_keeps_a_given_directory_and_survives_a_kill(tmp_path: Path) -> None:
    """What Home Assistant has stored is there again, and its flows and events can be followed."""
    directory, integration = tmp_path / "config", tmp_path / "linked"
    _write_integration(integration)
    async with HomeAssistant(
        directory, integration=integration, log_levels={"homeassistant.core": "debug"}
    ) as home_assistant:
        await home_assistant.kill()
        with pytest.raises(RuntimeError, match="not running"):
            _ = home_assistant.api
        await home_assistant.start()
        api = home_assistant.api

        linked = await api.command("manifest/get", integration=integration.name)
        assert isinstance(linked, dict) and linked["is_built_in"] is False

        form = await api.start_flow("esphome")
        assert (form["type"], form["step_id"]) == ("form", "user")
        await api.abort_flow(form["flow_id"])
        with pytest.raises(ApiError, match="404"):
            await api.flow(form["flow_id"])
        assert await api.flows_in_progress() == []

        async with api.subscribe_events("state_changed") as events:
            await api.call_service("zone", "reload")
            await api.call_service("homeassistant", "set_location", latitude=52.0, longitude=5.0)
            assert (await events.get())["data"]["entity_id"] == "zone.home"

        async def moved() -> bool:
            return (await api.states())["zone.home"]["attributes"]["latitude"] == 53.0

        with pytest.raises(ApiError, match=r"within 0\.1 s: the home moves"):
            await api.wait_for(moved, 0.1, "the home moves")
        await api.call_service("homeassistant", "set_location", latitude=53.0, longitude=5.0)
        assert await api.wait_for(moved, 5, "the home moves")

    assert (directory / ".storage" / "auth").exists()
    assert "Bus:Handling" in home_assistant.log


async def _loaded(home_assistant: HomeAssistant, domain: str) -> bool:
    """Tell whether an integration that a first start adds by itself is there."""
    return [entry["state"] for entry in await home_assistant.api.entries(domain)] == ["loaded"]


def _write_integration(directory: Path) -> None:
    """Write the least that Home Assistant takes for a custom integration."""
    directory.mkdir()
    manifest = {
        "domain": directory.name,
        "name": "Linked",
        "version": "1.0.0",
        "documentation": "https://example.com",
        "codeowners": [],
        "requirements": [],
        "dependencies": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
