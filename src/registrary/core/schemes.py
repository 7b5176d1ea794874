"""URI schemes that no application has to itself."""

from typing import Final

# A private-use scheme hands its URI to one application. These do something else: they run what
# they carry, read this machine, speak to other servers, or start a program that others control
# (RFC 9700 §4.1.3, RFC 8252 §7.1).
_RUN_OR_SHOW: Final = """
    about blob cid chrome chrome-devtools chrome-error chrome-extension chrome-search
    chrome-untrusted data devtools filesystem javascript jscript livescript mhtml mid mocha
    moz-extension ms-browser-extension res resource safari-web-extension vbscript view-source
    wyciwyg x-javascript
"""
_READ_THIS_MACHINE: Final = """
    afp content file hcp its jar mk ms-appdata ms-appx ms-appx-web ms-its nfs shell smb
"""
_REACH_OTHERS: Final = """
    callto coap coaps dict dns ed2k facetime facetime-audio feed finger ftp ftps geo gopher imap
    imaps ipp ipps irc irc6 ircs ldap ldapi ldaps magnet mailto maps mms mmsh news nntp nntps oid
    pop pop3 rdp rlogin rsync rtmp rtsp rtspu sftp sip sips sms smsto snews snmp ssh stun stuns
    tel telnet tftp tn3270 turn turns udp urn uuid vnc wais webcal ws wss xmpp
"""
_START_A_PROGRAM: Final = """
    android-app intent intents itms itms-apps itms-appss itms-services market ms-access
    ms-appinstaller ms-cxh ms-cxh-full ms-excel ms-infopath ms-msdt ms-office-storage-host
    ms-officeapp ms-officecmd ms-powerpoint ms-project ms-publisher ms-quick-assist ms-search
    ms-settings ms-spd ms-store ms-visio ms-windows-store ms-word search-ms windowsdefender
    x-apple-systempreferences x-man-page
"""

DENIED_SCHEMES: Final = frozenset(
    f"{_RUN_OR_SHOW} {_READ_THIS_MACHINE} {_REACH_OTHERS} {_START_A_PROGRAM}".split()
)
"""Lower-case schemes that a redirect URI must not have (A-065)."""
