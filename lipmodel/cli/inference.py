"""Generating video."""

from pathlib import Path

import click

from lipmodel.cli.options import FILE, FOLDER, best_option


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--image", type=FILE, help="A photo with a face, or a mouth crop (see below).")
@click.option("--audio", type=FILE, help="Speech of any length: any file with sound, video included.")
@click.option("--clip", type=(FOLDER, str), metavar="SHARDS ID", help="In place of --image and --audio (see below).")
@click.option("--face", is_flag=True, help="Put the lips back into the photo, which may be 1920 pixels long.")
@best_option
@click.option("-o", "--out", type=FILE, required=True, help="MP4 to write; but for --face, mouths of 256x256.")
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
def generate(
    run: Path,
    image: Path | None,
    audio: Path | None,
    clip: tuple[Path, str] | None,
    face: bool,
    best: bool,
    out: Path,
    overwrite: bool,
) -> None:
    """Make the mouth in a picture say a speech, with the newest checkpoint of RUN.

    \b
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav --face -o out.mp4
    lipmodel generate runs/shards-tiny --image crop.png --audio clip.mpg -o out.mp4 --overwrite
    lipmodel generate runs/shards-tiny --clip shards s1/bbaf2n -o out.mp4

    A picture in which no face is found is an error, but for a square one of at most 128 px: that is a mouth crop.

    With --clip, the first frame of a clip of a shard folder says the clip's own speech, beside the real one. Shards
    hold no sound, so this video is silent. Frames and flow of both also come as a picture, out.strip.png.
    """
    from lipmodel.inference import load, write_comparison, write_video

    if clip:
        if image or audio or face:
            raise click.UsageError("--clip brings its own picture and speech; leave out --image, --audio and --face.")
        click.echo(write_comparison(load(run, best=best), *clip, out, overwrite=overwrite))
    elif image and audio:
        click.echo(write_video(load(run, best=best), image, audio, out, face=face, overwrite=overwrite))
    else:
        raise click.UsageError("Give --image PHOTO and --audio SPEECH, or --clip SHARDS ID.")
    click.echo(f"next: ffplay {out}")
