"""Reading the documents that tell which redirect URIs share a sector."""

from registrary.core.draft import SectorDocument
from registrary.core.strict_json import JsonError, parse
from registrary.ports.fetcher import SECTOR_IDENTIFIER_URI, Fetcher, FetchRefused


async def read_sector(fetcher: Fetcher, url: str | None) -> SectorDocument | None:
    """Return what is at *url* (OpenID Connect Registration §5), None where there is no need.

    What went wrong is in the fetcher's log; a stranger gets one text for all of it.
    """
    if url is None:
        return None
    try:
        fetched = await fetcher.fetch(url, purpose=SECTOR_IDENTIFIER_URI)
        return SectorDocument(parse(fetched.body))
    except (FetchRefused, JsonError):
        return SectorDocument(None)
