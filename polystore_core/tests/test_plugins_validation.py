"""What breaks the plugin contract is refused with the mend, before it can answer anything."""

import pytest

from polystore_core import BackendRegistry, PluginError, hookimpl
from polystore_core.plugins import HOOK_SPECIFICATIONS, OPERATIONS


class Misspelled:
    @hookimpl
    def polystore_raed(self, request):
        return []


class Unmarked:
    def polystore_read(self, request):
        return []


class Incomplete:
    @hookimpl
    def polystore_delete(self, path):
        return 0


class Defaulted:
    @hookimpl
    def polystore_delete(self, path, recursive=False):
        return 0


class KeywordOnly:
    @hookimpl
    def polystore_delete(self, path, *, recursive):
        return 0


class Renamed:
    @hookimpl
    def polystore_delete(self, path, recursively):
        return 0


class Aliased:
    @hookimpl(specname="polystore_read")
    def read(self, request):
        return []


class Surrounding:
    @hookimpl(wrapper=True)
    def polystore_read(self, request):
        return (yield)


class Empty:
    pass


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Misspelled, "there is no hook 'polystore_raed'. Did you mean 'polystore_read'?"),
        (Unmarked, "polystore_read is not marked; write @hookimpl above it"),
        (
            Incomplete,
            "polystore_delete lacks the argument 'recursive'; "
            "write def polystore_delete(self, path, recursive)",
        ),
        (Defaulted, "has a default for 'recursive', which a hook never uses"),
        (KeywordOnly, "has the keyword-only parameter 'recursive', which a hook never fills"),
        (Renamed, "polystore_delete has no argument 'recursively'"),
        (Aliased, "there is no hook 'read'"),
        (Surrounding, "polystore_read is a wrapper, but a backend must answer by itself"),
        (Empty, "implements no operation; decorate at least one of polystore_read"),
    ],
)
def test_a_backend_that_breaks_the_contract_is_refused_with_the_mend(plugin, message):
    registry = BackendRegistry()
    with pytest.raises(PluginError) as caught:
        registry.register("bad", plugin())
    assert message in str(caught.value)
    assert "backend 'bad'" in str(caught.value)


def test_a_class_is_checked_when_it_is_first_named():
    registry = BackendRegistry()
    registry.register("bad", Misspelled)
    with pytest.raises(PluginError, match="there is no hook 'polystore_raed'"):
        registry.open("bad")


def test_a_wrapper_must_be_marked_as_one():
    class Answering:
        @hookimpl
        def polystore_read(self, request):
            return []

    with pytest.raises(PluginError, match="must be marked @hookimpl\\(wrapper=True\\)"):
        BackendRegistry().register_wrapper("answering", Answering())


def test_every_operation_has_a_specification_that_says_what_it_does():
    specified = {
        name.removeprefix("polystore_"): function
        for protocol in HOOK_SPECIFICATIONS
        for name, function in vars(protocol).items()
        if name.startswith("polystore_")
    }
    assert set(specified) == {*OPERATIONS, "close"}
    assert all(function.__doc__ for function in specified.values())
