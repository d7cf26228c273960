"""Descriptions of programs with references and the translations of two systems, written for tests.

The systems fail as real ones do: a word left out or repeated, a wrong word, an empty line.
"""

SOURCES = [
    "This package contains the documentation for the library.",
    "A small editor for text files, with support for many languages and for plugins.",
    "Plays music.",
    "It can convert pictures between many formats, and it can resize, rotate and sharpen them in "
    "one step for a whole folder.",
    "The daemon listens on port 8080 by default.",
    "Shows the time in 24 cities.",
    "This is a transitional package. It can safely be removed.",
    'Tools for "signing" and checking e-mail (OpenPGP).',
    "",
    "Development files and headers",
]
REFERENCES = [
    "Dieses Paket enthält die Dokumentation der Bibliothek.",
    "Ein kleiner Editor für Textdateien mit Unterstützung für viele Sprachen und für Plugins.",
    "Spielt Musik ab.",
    "Es kann Bilder zwischen vielen Formaten umwandeln und sie in einem Schritt für einen ganzen "
    "Ordner vergrößern, drehen und schärfen.",
    "Der Daemon lauscht standardmäßig auf Port 8080.",
    "Zeigt die Uhrzeit in 24 Städten.",
    "Dies ist ein Übergangspaket. Es kann gefahrlos entfernt werden.",
    "Werkzeuge zum „Signieren“ und Prüfen von E-Mail (OpenPGP).",
    "",
    "Entwicklungsdateien und Header",
]
MORE_REFERENCES = [
    "Dieses Paket enthält die Dokumentation für die Bibliothek.",
    "Kleiner Texteditor, der viele Sprachen und Plugins unterstützt.",
    "Gibt Musik wieder.",
    "Wandelt Bilder zwischen vielen Formaten um; kann sie auch skalieren, drehen und schärfen.",
    "In der Voreinstellung horcht der Daemon am Port 8080.",
    "Zeigt die Zeit in 24 Städten an.",
    "Das ist ein Übergangspaket, das man gefahrlos entfernen kann.",
    "Programme zum Signieren und Prüfen von E-Mails (OpenPGP).",
    "",
    "Dateien und Header für die Entwicklung",
]
BETTER = [
    "Dieses Paket enthält die Dokumentation für die Bibliothek.",
    "Ein kleiner Editor für Textdateien mit Unterstützung für viele Sprachen und Plugins.",
    "Spielt Musik.",
    "Es kann Bilder zwischen vielen Formaten umwandeln und in einem Schritt für ein ganzes "
    "Verzeichnis drehen, schärfen und vergrößern.  ",
    "Der Daemon lauscht standardmäßig auf Port 8080.",
    "Zeigt die Zeit in 24 Städten.",
    "Dies ist ein Übergangspaket. Es kann sicher entfernt werden.",
    'Werkzeuge für "Signieren" und Prüfen von E-Mail (OpenPGP) .',
    "",
    "Entwicklungsdateien und Header",
]
WORSE = [
    "Dieses Paket enthält die Bibliothek.",
    "Ein Editor für Dateien mit Unterstützung für viele viele Sprachen.",
    "Spielt Musik.",
    "Es kann Formate umwandeln &amp; Bilder drehen in einem Ordner.",
    "Der Daemon ist auf Hafen 8080 vor.",
    "",
    "Dies ist ein Paket. Es kann entfernt werden.",
    "Werkzeuge für E-Mail.",
    ".",
    "Entwicklungsdateien und Header",
]
