from lipdata.cli import main

main(prog_name="lipdata")
