"""The packages with translated text, by domain. A new kind of file needs a module and a name here.

Names of packages are regular expressions over the names in the package index, because some have
versions in them. `{language}` stands for the code of the language, such as `de` or `pt-br`, and
`{iso3}` for that of three letters.
"""

from dataclasses import dataclass

from pipeline.corpora.packages import (
    ding,
    docbook,
    freedict,
    gettext_catalogue,
    html_by_id,
    mallard,
    manual_page,
    qt_catalogue,
)
from pipeline.corpora.packages.kind import Kind

FEATURE = "domain"
"""The name of the feature with the domain of each pair."""
DESCRIPTIONS = "descriptions"
"""The domain of the package descriptions."""

KINDS: dict[str, Kind] = {
    "ding": ding.KIND,
    "docbook": docbook.KIND,
    "freedict": freedict.KIND,
    "gettext": gettext_catalogue.KIND,
    "html by id": html_by_id.KIND,
    "mallard": mallard.KIND,
    "manual pages": manual_page.KIND,
    "qt": qt_catalogue.KIND,
}


@dataclass(frozen=True)
class Source:
    """Packages with text of one domain.

    Attributes:
        domain: the value of the feature.
        kind: the kind of their files.
        packages: regular expressions for their names, with spaces between. Of documents, the
            translations come first.
    """

    domain: str
    kind: str
    packages: str


SOURCES = (
    Source("dictionary", "ding", "trans-{language}-en"),
    Source("dictionary", "freedict", "dict-freedict-eng-{iso3}"),
    Source(
        "dialogue",
        "gettext",
        r"""cataclysm-dda-data freeciv-data
        wesnoth-[\d.]+-(did|dm|dw|ei|httt|l|nr|sof|sota|sotbe|tsg|utbs)
        aisleriot gbrainy lgeneral dopewars-data""",
    ),
    Source("manuals", "html by id", "libreoffice-help-{language} libreoffice-help-en-us"),
    Source(
        "manuals",
        "manual pages",
        """manpages-{language} manpages-{language}-dev manpages manpages-dev apt bash bsdextrautils
        btrfs-progs coreutils cups-client cups-daemon debconf-doc debhelper devscripts diffutils
        dpkg dpkg-dev e2fsprogs findutils gettext grep kmod less libsane-common login
        man-db mount mtools nfs-common passwd po4a procps psmisc sed sysstat systemd
        systemd-container tar udev util-linux vorbis-tools xz-utils""",
    ),
    Source(
        "manuals",
        "mallard",
        """baobab cheese-common evince-common gnome-sudoku gnome-terminal-data
        gnome-user-docs orca""",
    ),
    Source("manuals", "docbook", "gnome-commander-data kate5-data kdiff3-doc kile-doc krusader"),
    Source(
        "interface",
        "gettext",
        r"""libreoffice-l10n-{language} appstream audacity-data cairo-dock-plug-in-data
        claws-mail-i18n coreutils cryptsetup-bin dvdisaster e2fsprogs-l10n fcitx-data
        fontforge-common gdm3 geany-plugins-common gnumed-client gnumeric-common gnupg-l10n
        kdevelop-l10n kile-l10n krb5-locales libexif12 libgammu-i18n libgphoto2-l10n libvirt-l10n
        mailutils-common menu-l10n mercurial-common siril-common subversion sympa tin
        util-linux-locales weechat-core wx[\d.]+-i18n xfsprogs zypper-common""",
    ),
    Source(
        "interface",
        "qt",
        "keepassxc psi-plus-l10n qttranslations5-l10n texstudio-l10n",
    ),
)

DOMAINS = tuple(dict.fromkeys(source.domain for source in SOURCES))
