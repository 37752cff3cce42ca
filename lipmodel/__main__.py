from lipmodel.cli import main

main(prog_name="lipmodel")
