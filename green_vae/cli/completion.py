"""`green-vae completion`: a script by which a shell completes commands, options and names."""

from green_vae import cards
from green_vae.cli.common import add_command

EPILOG = """The script is static: the shell starts no Python when you press the Tab key. It knows the presets of this
version; write it again after an update.

examples:
  %(prog)s bash > ~/.local/share/bash-completion/completions/green-vae
  %(prog)s zsh > ~/.zfunc/_green-vae          a folder of your $fpath: `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
"""
NAMES = {"bash": "_green_vae_names", "zsh": "_green_vae_names"}  # functions of the preamble
NAMED = ("model", "images", "reference")  # arguments that presets go to, among others
FILES, FOLDERS = ("FILE", "A", "B", "PATH"), ("DIR",)  # what the parsers call those of others
PREAMBLE = {
    "bash": '_green_vae_names() {{ compgen -W "{names}" -- "$1"; compgen -f -- "$1"; }}',
    "zsh": "_green_vae_names() {{ compadd -- {names}; _files; }}",
}


def add_completion(commands):
    command = add_command(
        commands,
        "completion",
        _completion,
        help="completion for bash or zsh",
        description="Print a script that completes commands, options, presets and files in your shell.",
        epilog=EPILOG,
    )
    command.add_argument("shell", choices=("bash", "zsh"))


def _completion(options):
    try:
        import shtab
    except ImportError as error:
        raise ImportError("completion needs shtab: pip install 'green_vae[completion]'") from error
    from green_vae.cli.entry import parser

    whole = parser()
    whole.prog = "green-vae"
    (commands,) = (action for action in whole._actions if action.dest == "command")
    for command in commands.choices.values():
        for action in command._actions:
            if action.dest in NAMED:
                action.complete = NAMES
            elif action.metavar in FILES:
                action.complete = shtab.FILE
            elif action.metavar in FOLDERS:
                action.complete = shtab.DIRECTORY
    preamble = PREAMBLE[options.shell].format(names=" ".join(cards.cards()))
    print(shtab.complete(whole, options.shell, "green_vae", {options.shell: preamble}))
