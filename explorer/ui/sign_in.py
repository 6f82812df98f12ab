"""Sign-in by Streamlit's own OpenID Connect: who uses this session, and what they see before they have signed in."""

import logging
from pathlib import Path

import streamlit as st
from streamlit.auth_util import get_secrets_auth_section
from streamlit.errors import StreamlitAuthError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer import access
from explorer.access import ADMINISTRATOR, VISITOR, Actor, Role
from explorer.i18n import _
from explorer.settings import settings
from explorer.ui.shared.text import plain

_log = logging.getLogger("explorer.sign_in")
_script = st.components.v2.component(
    "explorer_sign_in",
    js=(Path(__file__).parent / "assets" / "sign_in.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def install() -> None:
    """Make every change of this process ask who has signed in to the session. Further calls change nothing."""
    access.identify_with(current_actor)


def warn_about_settings() -> None:
    """Log a warning if the setting and Streamlit's secrets disagree about sign-in."""
    is_described = bool(get_secrets_auth_section())
    if settings().sign_in and not is_described:
        _log.warning(_("EXPLORER_SIGN_IN is true, but secrets.toml has no section [auth]: nobody can sign in"))
    elif is_described and not settings().sign_in:
        _log.warning(_("secrets.toml has a section [auth], but EXPLORER_SIGN_IN is not true: nobody has to sign in"))


def current_actor() -> Actor:
    """Return who uses the session of the current thread; a visitor in threads without a session."""
    if not settings().sign_in:
        return ADMINISTRATOR
    context = get_script_run_ctx(suppress_warning=True)
    claims = {} if context is None else dict(context.user_info)
    email = claims.get("email")
    is_proved = claims.get("is_logged_in") is True and claims.get("email_verified", True) not in (False, "false")
    return access.signed_in(email) if is_proved and isinstance(email, str) and "@" in email else VISITOR


def is_open() -> bool:
    """Return whether this session may see the pages."""
    return current_actor().role is not Role.VISITOR


def render_gate() -> bool:
    """Render the request to sign in, unless this session may see the pages. Return whether it may."""
    if not settings().sign_in:
        return True
    if is_open():
        _script(key="sign-in", data={"returning": True})
        return True
    _script(key="sign-in", data={"returning": False})  # before the button: it stores the address of the page
    with (
        st.container(horizontal_alignment="center"),
        st.container(border=True, width=420, horizontal_alignment="center", key="sign-in-card"),
    ):
        st.title("CNN Architecture Explorer", anchor=False, text_alignment="center")
        if not get_secrets_auth_section():
            st.error(
                _("Nobody can sign in: the file secrets.toml of this server has no section [auth]."),
                icon=":material/key_off:",
            )
        elif st.user.get("is_logged_in"):
            st.error(
                _("Your sign-in has no verified e-mail address, and this server knows people by their addresses."),
                icon=":material/alternate_email:",
            )
            st.button(_("Sign out"), icon=":material/logout:", on_click=st.logout)
        else:
            st.markdown(_("This server is for people with an account."), text_alignment="center")
            st.button(_("Sign in"), icon=":material/login:", type="primary", on_click=_sign_in, key="sign-in.button")
            if problem := st.session_state.pop("sign-in.problem", ""):
                st.error(plain(problem), icon=":material/error:")
    return False


def render_account() -> None:
    """Render the address of the user and the button to sign out, or that the server is read-only."""
    if reason := access.read_only_reason():
        st.caption(f":material/lock: {plain(reason)}")
    if not settings().sign_in:
        return
    actor = current_actor()
    words = _("Sign out {email} (administrator)") if actor.role is Role.ADMINISTRATOR else _("Sign out {email}")
    with st.container(horizontal_alignment="right", key="account"):
        st.button(
            plain(words.format(email=actor.email)), icon=":material/logout:", type="tertiary", on_click=st.logout,
            key="sign-out", width="content",
        )  # fmt: skip


def _sign_in() -> None:
    try:
        st.login()
    except StreamlitAuthError as error:
        _log.warning("sign-in failed: %s", error)
        st.session_state["sign-in.problem"] = _("Sign-in is not set up correctly; the log of the server says what.")
