from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from relay.config.base_url import checked_base_url, checked_proxy


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1///", "https://api.openai.com/v1"),
        ("https://api.anthropic.com/", "https://api.anthropic.com"),
        ("HTTP://Example.org:8080/x", "HTTP://Example.org:8080/x"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://10.0.0.5/v1", "http://10.0.0.5/v1"),
        ("http://192.168.1.2", "http://192.168.1.2"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://[fd12::1]", "http://[fd12::1]"),
        ("http://[64:ff9b::808:808]", "http://[64:ff9b::808:808]"),
        ("http://[2002:808:808::1]", "http://[2002:808:808::1]"),
        ("http://model_server.lan", "http://model_server.lan"),
        ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example"),
    ],
)
def test_a_provider_may_be_anywhere_even_at_home(url: str, kept: str) -> None:
    assert checked_base_url(url) == kept


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "169.254.170.2",
        "100.100.100.200",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "metadata",
        "instance-data.ec2.internal",
        "2852039166",
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "025177524776",
        "169.254.43518",
        "169.16689662",
        "169.254.169.254.",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[febf::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[::ffff:0:a9fe:a9fe]",
    ],
)
def test_metadata_addresses_are_refused_in_any_spelling(host: str) -> None:
    for url in (f"http://{host}", f"https://{host}:8080/latest/meta-data/"):
        with pytest.raises(ValueError, match="metadata address"):
            checked_base_url(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.openai.com", "begin with http"),
        ("ftp://host", "begin with http"),
        ("file:///etc/passwd", "begin with http"),
        ("https:///v1", "begin with http"),
        ("https://:80/", "begin with http"),
        ("https://ho%73t/", "begin with http"),
        ("https://a,b/", "begin with http"),
        ("https://user@host/", "no user name"),
        ("https://user:canary@host/", "no user name"),
        ("https://host/v1?key=canary", "end with its path"),
        ("https://host/v1?", "end with its path"),
        ("https://host/#x", "end with its path"),
        ("https://host:99999/", "malformed"),
        ("https://host:port/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://ho st/", "plain ASCII"),
        ("https://host\\@other/", "plain ASCII"),
        ("https://host/\n", "plain ASCII"),
        ("https://bücher.example", "plain ASCII"),
        ("https://169。254。169。254", "plain ASCII"),
    ],
)
def test_other_urls_are_refused_without_being_shown(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        checked_base_url(url)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://xn--a.example/v1", "http://xn--/v1", "http://h:99999/v1"])
def test_what_no_client_takes_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL"):
        checked_base_url(url)


@given(st.text(alphabet=st.sampled_from("ab1.-_~:@/?#[]%xn4Fé "), max_size=24))
def test_whatever_is_accepted_a_client_can_be_made_for(rest: str) -> None:
    for check in (checked_base_url, checked_proxy):
        for scheme in ("http://", "https://u:p@", "http://xn--"):
            try:
                url = check(scheme + rest)
            except ValueError:
                continue
            assert URL(url).host
