# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: segment files, find columns in them, and a demonstration."""

import contextlib
import dataclasses
import logging
import signal
import sys
import threading
import warnings

from hyperspy_symseg.command_line.arguments import Request, parser

FAILED = 2
# What shells expect after Ctrl-C, SIGTERM and so on: the number of the signal and this.
STOPPED = 128
# Sent by a queue or at shutdown, and when a terminal is closed.
OTHER_STOPS = ("SIGTERM", "SIGHUP")


def _segment_files(request):
    """Segment files; return the exit status."""
    from hyperspy_symseg.command_line.images import segment_image
    from hyperspy_symseg.command_line.report import Report
    from hyperspy_symseg.command_line.series import segment_series
    from hyperspy_symseg.frames.paths import prepare_folder
    from hyperspy_symseg.movies import check_format

    _quiet_readers()
    try:
        where = ""
        for name in request.overlay:
            if name != "zspy":
                check_format(f".{name}", f"--overlay {name}")
        where = request.json or ""
        report = Report(request)
        where = request.output
        prepare_folder(request.output)
    except (OSError, ValueError) as error:
        return _print_error(where, error)

    def tell(**found):
        try:
            report.add(**found)
        except OSError as error:
            return _print_error(request.json, error)
        return 0

    def segment(image, name, request):
        is_series = image.axes_manager.navigation_dimension
        return (segment_series if is_series else segment_image)(image, name, request)

    status = _each_image(request, segment, tell)
    try:
        report.finish()
    except OSError as error:
        status = _print_error(request.json, error)
    return status


def _find_columns(request):
    """Find the columns in files; return the exit status."""
    from hyperspy_symseg.command_line.columns import find_columns
    from hyperspy_symseg.frames.paths import prepare_folder

    _quiet_readers()
    try:
        prepare_folder(request.output)
    except OSError as error:
        return _print_error(request.output, error)
    return _each_image(request, find_columns, lambda **_: 0)


def _watch_files(request):
    """Label what arrives; return the exit status."""
    from hyperspy_symseg.command_line.watch import watch
    from hyperspy_symseg.frames.paths import prepare_folder

    _quiet_readers()
    failed, (place,) = [], request.files

    def tell(path, error):
        failed.append(path)
        _print_error(path, error)

    try:
        prepare_folder(request.output)
        with _log_names(place, request.verbose):
            n_frames = watch(request, tell)
    except (OSError, ValueError, RuntimeError) as error:
        return _print_error("", error)
    print(f"{place}: {n_frames} frames were labelled", flush=True)
    return FAILED if failed else 0


def _quiet_readers():
    """Keep readers from logging what they raise: that would be more than one line."""
    import hyperspy.api as hs
    import rsciio

    hs.set_log_level("CRITICAL")
    rsciio.set_log_level("CRITICAL")
    warnings.filterwarnings("ignore", category=FutureWarning, module="rsciio")


def _each_image(request, work, tell):
    """Do some work for each image and series of files; return the exit status.

    What is found, or why it failed, is told.
    """
    from hyperspy_symseg.command_line.reading import read_images

    status, done = 0, set()
    for path in request.files:
        # Whatever a reader raises for one file must not stop the others.
        try:
            images = read_images(path)
        except Exception as error:
            status = _print_error(f"{path} cannot be read", error)
            tell(file=path, error=_in_one_line(error))
            continue
        for name, image in images:
            where = path if name == path.stem else f"{path}, signal {name}"
            try:
                if name in done:
                    raise ValueError(
                        f"files must have different names, got a second {name}"
                    )
                with _log_names(where, request.verbose):
                    found = work(image, name, request)
                done.add(name)
                status = tell(file=path, name=name, **found) or status
            except KeyboardInterrupt as stop:
                raise KeyboardInterrupt(
                    f"{where}: stopped. {str(stop) or 'Nothing was written'}"
                ) from None
            except Exception as error:
                status = _print_error(where, error)
                tell(file=path, name=name, error=_in_one_line(error))
    return status


@contextlib.contextmanager
def _log_names(where, verbose):
    """Print the log of the package, in lines that name the file: at least warnings."""
    from tqdm import tqdm

    class Handler(logging.Handler):
        def emit(self, record):
            # Above the progress bar, and not into it.
            tqdm.write(f"hyperspy-symseg: {where}: {record.getMessage()}", sys.stderr)

    logger, handler = logging.getLogger("hyperspy_symseg"), Handler()
    level, propagate = logger.level, logger.propagate
    # HyperSpy's level is for what HyperSpy has to say.
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


@contextlib.contextmanager
def _stops_as_interrupts():
    """Context in which what ends a process does what Ctrl-C does.

    Yields
    ------
    list of int
        Signals that came.
    """
    came = []

    def stop(number, _):
        came.append(number)
        # A queue may send it to the process and to its group; once is enough.
        if len(came) == 1:
            raise KeyboardInterrupt

    old = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name, None) for name in OTHER_STOPS]
        for number in numbers:
            # `nohup` has some ignored.
            if number and signal.getsignal(number) is signal.SIG_DFL:
                old[number] = signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _in_one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


def _print_error(where, error):
    where = f"{where}: " if where else ""
    print(f"hyperspy-symseg: {where}{_in_one_line(error)}", file=sys.stderr)
    return FAILED


def _demo(output, verbose):
    """Simulate a grain boundary, write it, read it back and segment it."""
    import hyperspy.api as hs

    from hyperspy_symseg import simulate
    from hyperspy_symseg.frames.paths import prepare_folder

    micrograph, truth = simulate.grain_boundary()
    file = output / "grain_boundary.emd"
    try:
        prepare_folder(output)
        micrograph.save(file, overwrite=True)
    except OSError as error:
        return _print_error(output, error)
    request = Request([file], output, overwrite=True, verbose=verbose)
    status = _segment_files(request)
    if status == 0:
        labels = output / "grain_boundary_labels.hspy"
        agree = (hs.load(labels).data == truth.data).mean()
        print(f"{max(agree, 1 - agree):.1%} of the pixels carry the true label")
        print(f"Micrograph: {file}")
        print(f"Labels: {labels}, for hyperspy.api.load")
        print(f"Picture: {output / 'grain_boundary_overlay.png'}")
    return status


def _segment(overlay, **arguments):
    """Segment files; return the exit status."""
    # Each once, in this order.
    overlay = list(dict.fromkeys(overlay or ["zspy"]))
    if overlay != ["none"] and "none" in overlay:
        given = ", ".join(overlay)
        message = f"--overlay must be none, or one or more others, got {given}"
        return _print_error("", ValueError(message))
    own = {each.name for each in dataclasses.fields(Request)}
    given = {name: value for name, value in arguments.items() if value is not None}
    request = Request(
        overlay=[name for name in overlay if name != "none"],
        options={name: value for name, value in given.items() if name not in own},
        **{name: value for name, value in given.items() if name in own},
    )
    return _segment_files(request)


def _columns(method, contrast, probability, calibrated, **arguments):
    """Find columns in files; return the exit status."""
    how = {"method": method, "contrast": contrast, "probability": probability}
    columns = {name: value for name, value in how.items() if value is not None}
    own = {each.name for each in dataclasses.fields(Request)}
    given = {name: value for name, value in arguments.items() if value is not None}
    request = Request(
        columns=columns | {"calibrated": calibrated},
        options={name: value for name, value in given.items() if name not in own},
        **{name: value for name, value in given.items() if name in own},
    )
    return _find_columns(request)


def _watch(file, verbose, output, overwrite, resume, **arguments):
    """Label what arrives; return the exit status."""
    names = ("n_patterns", "num_workers")
    options = {name: arguments.pop(name) for name in names}
    request = Request(
        [file],
        output,
        options={k: v for k, v in options.items() if v is not None},
        overwrite=overwrite,
        resume=resume,
        verbose=verbose,
        watching=arguments,
    )
    return _watch_files(request)


COMMANDS = {"segment": _segment, "columns": _columns, "watch": _watch, "demo": _demo}


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit status: 0; 2 if something was wrong; 130 after Ctrl-C, and 143 after
        SIGTERM.
    """
    arguments = vars(parser().parse_args(arguments))
    command = COMMANDS[arguments.pop("command")]
    with _stops_as_interrupts() as came:
        try:
            return command(**arguments)
        except KeyboardInterrupt as stop:
            message = f": {stop}" if str(stop) else ": stopped"
            print(f"hyperspy-symseg{message}", file=sys.stderr)
            return STOPPED + (came[0] if came else signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
